#include "trainer/settings/settings.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "core/base/file.h"
#include "core/base/status.h"

namespace unlasting::trainer {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using nlohmann::json;

struct Meaning {
  const char* key;
  const char* text;
};
// In the order of --help.
constexpr Meaning kMeanings[] = {
    {"name", "name of the bundle; default: the name of its folder"},
    {"version", "version of the bundle"},
    {"layout", "auto, plain, gears, scperturb or chemcpa; columns at their defaults follow it"},
    {"condition_column", "obs column of the condition"},
    {"cell_type_column", "obs column of the cell type"},
    {"smiles_column", "obs column of the drug's SMILES"},
    {"dose_column", "obs column of the dose"},
    {"dose_unit_column", "obs column of the dose's unit"},
    {"dose_unit", "unit where no column says it; empty: uM, nM for chemCPA's column dose"},
    {"molecules", "TSV with the columns drug and SMILES, where the file only names its drugs"},
    {"molecule_embeddings",
     "drug names and vectors (TSV, .npy, .h5ad) in place of SMILES' features"},
    {"molecule_features", "of SMILES: descriptors (with Morgan counts) or counts (those alone)"},
    {"library_size_column", "obs column of each cell's counts over all genes; empty: its own sum"},
    {"control", "condition of unperturbed cells"},
    {"obs_table", "table of the cells of a 10x .h5 file or MTX folder; empty: obs.tsv beside it"},
    {"layer", "layer to read in place of X; raw: raw/X with its own genes"},
    {"matrix", "auto, counts or log1p"},
    {"target_sum", "median (of the training cells) or a number"},
    {"genes", "highly variable genes to keep; 0: all"},
    {"hvg_flavor", "seurat, or seurat_v3 (on counts)"},
    {"split", "conditions, drugs, doses, doubles, covariates or cells"},
    {"split_fraction", "share held out"},
    {"hold_out", "names held out, as a list: [\"cell_type=PW036\"]"},
    {"split_column", "obs column that brings its own split: train, or anything else to hold out"},
    {"seed", "of splits, weights, batches and noise"},
    {"grn.threshold", "smallest |Pearson| of a co-expression edge"},
    {"grn.max_in_degree", "strongest edges kept into each gene; 0: all"},
    {"grn.prior", "edge list (TSV: source, target) or gene embedding (TSV, .npy, .h5ad)"},
    {"grn.embedding_threshold", "smallest cosine of an edge between genes of an embedding"},
    {"recipe", "preconditioned or paper"},
    {"grn_inputs", "paper (x_t and t enter the GRN block) or static"},
    {"prior_mean", "centre of the Gaussian skip: expected_response, control or global"},
    {"unseen_genes", "response of genes never perturbed: grn (what reaches others) or mean"},
    {"response_dropout", "share of cells trained as if their perturbation were new"},
    {"control_input", "control cell in training: gaussian (eq 5) or cells (a random one)"},
    {"dim", "embedding width D"},
    {"layers", "GRN layers"},
    {"heads", "attention heads"},
    {"hidden", "width of Block and Decoder"},
    {"residual", "layer norm and residual around each GRN layer"},
    {"control_residual", "adds the control profile to the target's output"},
    {"mask_head", "head of the mask model: dense or grn"},
    {"mask_prior", "weight, 0 to 1, of a new cell type's own active shares in the mask's logits"},
    {"dose_gate", "dose of a drug: linear (log10 joins its features) or sigmoid (a Hill curve)"},
    {"ablation", "empty, no_control or no_grn"},
    {"steps", "training steps of the denoiser"},
    {"mask_steps", "training steps of the mask model"},
    {"batch_size", "cells of a step, over all ranks"},
    {"balance", "batches drawn by condition (each as often) or by cells"},
    {"validation_fraction", "share of perturbed training cells kept to stop early; 0: never"},
    {"validation", "what is kept: cells of every condition, or whole conditions"},
    {"validate_every", "steps between looks at the kept cells"},
    {"patience", "looks without a smaller E-distance before the denoiser stops"},
    {"learning_rate", "AdamW's, at its peak"},
    {"weight_decay", "AdamW's"},
    {"warmup_steps", "steps of linear warm-up"},
    {"ema", "decay of the moving average of the weights"},
    {"clip", "largest norm of the gradient"},
    {"threads", "CPU threads, of each rank"},
    {"checkpoint_minutes", "minutes between checkpoints"},
    {"log_every", "steps between lines of training.jsonl"},
    {"mask", "default mask of requests: rank, cell, aggregate, sample or none"},
    {"solver", "default solver of requests: dpmpp2m or ddim"},
    {"solver_steps", "default steps of requests; 0: 10 for dpmpp2m, 50 for ddim"},
    {"panel_cells", "control cells per cell type that ship with the bundle"},
};

// The field that a dotted key names.
absl::StatusOr<const FieldDescriptor*> FindField(const std::string& key) {
  const Descriptor* message = TrainConfig::descriptor();
  const FieldDescriptor* field = nullptr;
  for (const auto part : absl::StrSplit(key, '.')) {
    field = message == nullptr ? nullptr : message->FindFieldByName(std::string(part));
    if (field == nullptr) break;
    message = field->message_type();
  }
  if (field == nullptr || field->message_type() != nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown setting '", key, "'; --help lists them all"));
  }
  return field;
}

json Nested(const std::string& key, json value) {
  const std::vector<std::string> parts = absl::StrSplit(key, '.');
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) value = json{{*part, value}};
  return value;
}

absl::Status MergeJson(json settings, const std::string& where, TrainConfig* config) {
  if (!settings.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": expected a JSON object"));
  }
  // A number is as good as its text here.
  if (settings.contains("target_sum") && settings["target_sum"].is_number()) {
    settings["target_sum"] = settings["target_sum"].dump();
  }
  TrainConfig overrides;
  const auto status = google::protobuf::util::JsonStringToMessage(settings.dump(), &overrides);
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": ", std::string(status.message().data(), status.message().size())));
  }
  if (overrides.hold_out_size() > 0) config->clear_hold_out();
  config->MergeFrom(overrides);
  return absl::OkStatus();
}

absl::Status MergeOverride(const std::string& text, TrainConfig* config) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("--set: found '", text, "', expected key=value"));
  }
  const std::string key = text.substr(0, equals);
  const std::string value = text.substr(equals + 1);
  UNLASTING_ASSIGN_OR_RETURN(const FieldDescriptor* field, FindField(key));
  json parsed = value;
  if (field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
    parsed = json::parse(value, nullptr, /*allow_exceptions=*/false);
    if (field->is_repeated() && !parsed.is_array()) parsed = json::array({value});
    if (parsed.is_discarded()) {
      return absl::InvalidArgumentError(absl::StrCat("--set ", key, ": found '", value,
                                                     "', expected a ", field->cpp_type_name()));
    }
  }
  return MergeJson(Nested(key, parsed), absl::StrCat("--set ", key), config);
}

}  // namespace

TrainConfig DefaultConfig() {
  TrainConfig c;
  c.set_name("");
  c.set_version("1");
  c.set_condition_column("condition");
  c.set_cell_type_column("cell_type");
  c.set_smiles_column("SMILES");
  c.set_dose_column("dose_val");
  c.set_dose_unit_column("dose_unit");
  c.set_library_size_column("");
  c.set_control("ctrl");
  c.set_obs_table("");
  c.set_layer("");
  c.set_matrix("auto");
  c.set_layout("auto");
  c.set_dose_unit("");
  c.set_molecules("");
  c.set_molecule_embeddings("");
  c.set_molecule_features("descriptors");
  c.set_split_column("");
  c.set_target_sum("median");
  c.set_genes(2000);
  c.set_hvg_flavor("seurat");
  c.set_split("conditions");
  c.set_split_fraction(0.3);
  c.set_seed(0);
  c.mutable_grn()->set_threshold(0.3);
  c.mutable_grn()->set_max_in_degree(20);
  c.mutable_grn()->set_prior("");
  c.mutable_grn()->set_embedding_threshold(0.5);
  c.set_recipe("preconditioned");
  c.set_grn_inputs("paper");
  c.set_prior_mean("expected_response");
  c.set_unseen_genes("grn");
  c.set_response_dropout(0);
  c.set_control_input("cells");
  c.set_dim(64);
  c.set_layers(2);
  c.set_heads(2);
  c.set_hidden(512);
  c.set_residual(true);
  c.set_control_residual(false);
  c.set_mask_head("dense");
  c.set_mask_prior(0.35);
  c.set_dose_gate("linear");
  c.set_ablation("");
  c.set_steps(20000);
  c.set_mask_steps(5000);
  c.set_batch_size(32);
  c.set_balance("condition");
  c.set_validation_fraction(0);
  c.set_validation("cells");
  c.set_validate_every(1000);
  c.set_patience(5);
  c.set_learning_rate(1e-4);
  c.set_weight_decay(0.01);
  c.set_warmup_steps(100);
  c.set_ema(0.9999);
  c.set_clip(1.0);
  c.set_threads(2);
  c.set_checkpoint_minutes(5);
  c.set_log_every(50);
  c.set_mask("rank");
  c.set_solver("dpmpp2m");
  c.set_solver_steps(0);
  c.set_panel_cells(100);
  return c;
}

absl::StatusOr<TrainConfig> ResolveConfig(const std::string& config_path,
                                          const std::vector<std::string>& overrides) {
  TrainConfig config = DefaultConfig();
  if (!config_path.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(const std::string text, ReadFile(config_path));
    const json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false,
                                    /*ignore_comments=*/true);
    if (parsed.is_discarded()) {
      return absl::InvalidArgumentError(absl::StrCat(config_path, ": is not JSON"));
    }
    UNLASTING_RETURN_IF_ERROR(MergeJson(parsed, config_path, &config));
  }
  for (const auto& text : overrides) UNLASTING_RETURN_IF_ERROR(MergeOverride(text, &config));
  return config;
}

json ConfigToJson(const TrainConfig& config) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  // Cannot fail for a message without Any fields.
  (void)google::protobuf::util::MessageToJsonString(config, &text, options);
  return json::parse(text);
}

absl::StatusOr<TrainConfig> ConfigFromJson(const json& settings) {
  TrainConfig config = DefaultConfig();
  UNLASTING_RETURN_IF_ERROR(MergeJson(settings, "settings", &config));
  return config;
}

bool HasExpectedResponse(const TrainConfig& config) {
  return config.prior_mean() == "expected_response" && config.recipe() == "preconditioned";
}

bool FollowsGrn(const TrainConfig& config) {
  return HasExpectedResponse(config) && config.unseen_genes() == "grn" &&
         config.ablation() != "no_grn";
}

std::string DescribeSettings() {
  const json defaults = ConfigToJson(DefaultConfig());
  std::string text;
  for (const Meaning& meaning : kMeanings) {
    json value = defaults;
    for (const auto part : absl::StrSplit(meaning.key, '.')) {
      value = value.value(std::string(part), json());
    }
    std::string shown = value.is_string() ? value.get<std::string>() : value.dump();
    if (value.is_null()) shown = "[]";
    if (shown.empty()) shown = "\"\"";
    absl::StrAppend(&text, absl::StrFormat("  %-28s %-16s %s\n", meaning.key, shown, meaning.text));
  }
  return text;
}

cells::LoadOptions LoadOptionsOf(const TrainConfig& config) {
  cells::LoadOptions options;
  options.condition_column = config.condition_column();
  options.cell_type_column = config.cell_type_column();
  options.smiles_column = config.smiles_column();
  options.dose_column = config.dose_column();
  options.dose_unit_column = config.dose_unit_column();
  options.library_size_column = config.library_size_column();
  options.control = config.control();
  options.obs_table = config.obs_table();
  options.layer = config.layer();
  options.matrix = config.matrix();
  options.layout = config.layout();
  options.dose_unit = config.dose_unit();
  options.molecules = config.molecules();
  options.split_column = config.split_column();
  return options;
}

TrainingDataOptions TrainingDataOptionsOf(const TrainConfig& config) {
  TrainingDataOptions options;
  options.balance_conditions = config.balance() == "condition";
  options.validation_fraction = config.validation_fraction();
  options.validate_conditions = config.validation() == "conditions";
  options.seed = config.seed();
  options.molecule_embeddings = config.molecule_embeddings();
  options.molecule_descriptors = config.molecule_features() == "descriptors";
  return options;
}

cells::PreprocessOptions PreprocessOptionsOf(const TrainConfig& config) {
  cells::PreprocessOptions options;
  options.target_sum = config.target_sum();
  options.genes = config.genes();
  options.hvg_flavor = config.hvg_flavor();
  options.split.kind = config.split();
  options.split.fraction = config.split_fraction();
  options.split.hold_out.assign(config.hold_out().begin(), config.hold_out().end());
  options.split.seed = config.seed();
  return options;
}

}  // namespace unlasting::trainer
