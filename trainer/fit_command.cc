// unlasting-train fit: cells to bundle.
#include <chrono>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "core/bundle/write.h"
#include "core/cells/preprocess.h"
#include "core/molecule/featurizer.h"
#include "core/predict/engine.h"
#include "core/predict/query.h"
#include "trainer/command.h"
#include "trainer/data_flags.h"
#include "trainer/model_card.h"
#include "trainer/predict_groups.h"
#include "trainer/progress.h"
#include "trainer/settings.h"
#include "trainer/training.h"
#include "trainer/training_data.h"

namespace unlasting::trainer {
namespace {

namespace fs = std::filesystem;
using model::Network;
using model::NetworkKind;

struct FitFlags {
  DataFlags data;
  std::string out;
  bool resume = false;
  bool force = false;
};

// Checkpoints and the running log, kept beside the bundle until it is complete.
class WorkFolder {
 public:
  explicit WorkFolder(const std::string& out) : path_(fs::path(out).string() + ".training") {}

  absl::Status Prepare(bool resume, const TrainConfig& config) {
    const std::string settings = ConfigToJson(config).dump(2);
    const auto settings_path = path_ / "settings.json";
    if (resume && fs::exists(settings_path)) {
      UNLASTING_ASSIGN_OR_RETURN(const std::string before, ReadFile(settings_path));
      if (before != settings) {
        return absl::FailedPreconditionError(absl::StrCat("--resume: ", settings_path.string(),
                                                          " differs from the settings given now"));
      }
      return absl::OkStatus();
    }
    std::error_code error;
    fs::remove_all(path_, error);
    fs::create_directories(path_, error);
    if (error) return absl::UnknownError(absl::StrCat(path_.string(), ": ", error.message()));
    return WriteFileAtomically(settings_path, settings);
  }

  std::string At(const char* name) const { return (path_ / name).string(); }
  void Remove() const {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

 private:
  fs::path path_;
};

model::ModelConfig ModelConfigOf(const TrainConfig& config, const TrainingData& data,
                                 const diffusion::Schedule& schedule) {
  model::ModelConfig m;
  m.genes = data.genes();
  m.nodes = data.nodes();
  m.cell_types = static_cast<int64_t>(data.prepared().data.cell_types.size());
  m.molecule_features = data.molecule_features();
  m.dim = config.dim();
  m.layers = config.layers();
  m.heads = config.heads();
  m.hidden = config.hidden();
  m.times = schedule.steps();
  m.recipe = config.recipe();
  m.grn_inputs = config.grn_inputs();
  m.residual = config.residual();
  m.control_residual = config.control_residual();
  m.mask_head = config.mask_head();
  m.control_input = config.ablation() != "no_control";
  m.grn = config.ablation() != "no_grn";
  return m;
}

absl::Status CheckConfig(const TrainConfig& c) {
  const auto word = [](const char* key, const std::string& value,
                       std::vector<std::string> expected) -> absl::Status {
    for (const auto& one : expected) {
      if (value == one) return absl::OkStatus();
    }
    std::string list;
    for (const auto& one : expected) absl::StrAppend(&list, list.empty() ? "" : " or ", one);
    return absl::InvalidArgumentError(absl::StrCat(key, ": found '", value, "', expected ", list));
  };
  UNLASTING_RETURN_IF_ERROR(word("anchor", c.anchor(), {"control", "global"}));
  UNLASTING_RETURN_IF_ERROR(word("control_input", c.control_input(), {"gaussian", "cells"}));
  UNLASTING_RETURN_IF_ERROR(word("ablation", c.ablation(), {"", "no_control", "no_grn"}));
  UNLASTING_RETURN_IF_ERROR(predict::ParseMaskMode(c.mask()).status());
  UNLASTING_RETURN_IF_ERROR(diffusion::ParseSolver(c.solver()).status());
  const auto at_least = [](const char* key, double value, double least) -> absl::Status {
    if (value >= least) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(key, ": found ", value, ", expected ", least, " or more"));
  };
  UNLASTING_RETURN_IF_ERROR(at_least("steps", c.steps(), 1));
  UNLASTING_RETURN_IF_ERROR(at_least("mask_steps", c.mask_steps(), 1));
  UNLASTING_RETURN_IF_ERROR(at_least("batch_size", c.batch_size(), 2));
  UNLASTING_RETURN_IF_ERROR(at_least("threads", c.threads(), 1));
  UNLASTING_RETURN_IF_ERROR(at_least("log_every", c.log_every(), 1));
  UNLASTING_RETURN_IF_ERROR(at_least("panel_cells", c.panel_cells(), 1));
  UNLASTING_RETURN_IF_ERROR(at_least("network.max_in_degree", c.network().max_in_degree(), 0));
  if (!(c.mask_prior() >= 0 && c.mask_prior() <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("mask_prior: found ", c.mask_prior(), ", expected 0 to 1"));
  }
  if (!(c.learning_rate() > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("learning_rate: found ", c.learning_rate(), ", expected above 0"));
  }
  return absl::OkStatus();
}

bundle::Manifest MakeManifest(const TrainConfig& config, const std::string& out,
                              const TrainingData& data, const network::Graph& graph,
                              const diffusion::Schedule& schedule,
                              const model::ModelConfig& model) {
  const cells::Prepared& prepared = data.prepared();
  bundle::Manifest m;
  m.name = config.name().empty() ? fs::path(out).filename().string() : config.name();
  m.version = config.version();
  m.created = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone());
  m.software_version = kVersion;
  m.genes = prepared.data.genes;
  m.perturbed_only = prepared.perturbed_only;
  m.gene_symbols = prepared.data.gene_symbols;
  m.cell_types = prepared.data.cell_types;
  if (data.any_gene()) m.perturbation_kinds.push_back("gene");
  if (data.any_molecule()) m.perturbation_kinds.push_back("molecule");
  std::map<std::string, bundle::KnownMolecule> molecules;
  std::vector<bool> trained(prepared.data.conditions.size(), false);
  for (const int64_t cell : prepared.split.Cells(false)) {
    trained[prepared.data.condition[cell]] = true;
  }
  for (size_t k = 0; k < trained.size(); ++k) {
    const auto& condition = prepared.data.conditions[k];
    if (!trained[k] || condition.control) continue;
    m.conditions.push_back(condition.name);
    if (!condition.molecule()) continue;
    auto& known = molecules[condition.name];
    known.name = condition.name;
    known.smiles = condition.smiles;
    known.doses_um.push_back(condition.dose_um);
  }
  for (auto& [name, known] : molecules) {
    std::sort(known.doses_um.begin(), known.doses_um.end());
    m.molecules.push_back(known);
  }
  m.normalisation = {prepared.target_sum, prepared.x_max};
  m.schedule_steps = schedule.steps();
  m.beta_first = schedule.beta_first();
  m.beta_last = schedule.beta_last();
  m.solver = config.solver();
  m.solver_steps = static_cast<int>(config.solver_steps());
  if (m.solver_steps == 0) {
    m.solver_steps = diffusion::DefaultSteps(*diffusion::ParseSolver(config.solver()));
  }
  m.mask = config.mask();
  if (data.any_molecule()) m.molecule_featuriser = molecule::kFeaturizerName;
  m.molecule_features = static_cast<int>(data.molecule_features());
  m.model = model.ToJson();
  m.network = network::Describe(graph);
  m.network["threshold"] = config.network().threshold();
  m.network["prior"] = fs::path(config.network().prior()).filename().string();
  m.settings = ConfigToJson(config);
  m.split = prepared.split.record;
  return m;
}

bundle::Reference MakeReference(const TrainConfig& config, const TrainingData& data,
                                const network::Graph& graph) {
  const cells::Prepared& prepared = data.prepared();
  bundle::Reference reference;
  std::vector<int64_t> panel;
  for (size_t type = 0; type < prepared.data.cell_types.size(); ++type) {
    // Every k-th training control cell: a panel that follows the file's order of samples.
    std::vector<int64_t> own;
    for (const int64_t cell : data.controls(static_cast<int32_t>(type))) {
      if (data.cell_type(cell) == static_cast<int32_t>(type)) own.push_back(cell);
    }
    const auto wanted = std::min<int64_t>(config.panel_cells(), static_cast<int64_t>(own.size()));
    for (int64_t k = 0; k < wanted; ++k) {
      panel.push_back(own[k * static_cast<int64_t>(own.size()) / wanted]);
    }
  }
  reference.panel = SelectRowsDense(prepared.data.values, panel);
  for (const int64_t cell : panel) {
    reference.panel_cell_type.push_back(data.cell_type(cell));
    reference.panel_barcodes.push_back(prepared.data.barcodes[cell]);
  }
  reference.control_mean = data.control_statistics().mean;
  reference.control_deviation = data.control_statistics().deviation;
  reference.network.rows = reference.network.cols = graph.nodes();
  reference.network.indptr = graph.indptr;
  reference.network.indices = graph.sources;
  reference.network.values.assign(graph.sources.size(), 1.0f);
  return reference;
}

std::string JsonLines(const std::vector<nlohmann::json>& lines) {
  std::string text;
  for (const auto& line : lines) absl::StrAppend(&text, line.dump(), "\n");
  return text;
}

// Scores of the held-out groups for the card, with the bundle as it was just written.
absl::StatusOr<evaluate::Scorecard> ScoreBundle(const std::string& directory,
                                                const std::string& data_path, int threads) {
  UNLASTING_ASSIGN_OR_RETURN(auto bundle, bundle::Bundle::Load(directory));
  UNLASTING_ASSIGN_OR_RETURN(const auto held_out,
                             LoadHeldOut(bundle->manifest(), data_path, "test"));
  predict::EngineOptions engine_options;
  engine_options.threads = threads;
  UNLASTING_ASSIGN_OR_RETURN(auto engine, predict::Engine::Create(bundle, engine_options));
  PredictGroupsOptions options;
  options.predict = predict::DefaultOptions(*bundle);
  options.max_cells = 300;
  UNLASTING_ASSIGN_OR_RETURN(const auto groups, PredictGroups(engine.get(), held_out, options));
  return evaluate::Score(groups, {threads, 0});
}

class Fit {
 public:
  explicit Fit(const FitFlags& flags) : flags_(flags), work_(flags.out) {}

  absl::Status Run() {
    const auto start = std::chrono::steady_clock::now();
    UNLASTING_ASSIGN_OR_RETURN(config_, ResolveDataConfig(flags_.data));
    UNLASTING_RETURN_IF_ERROR(CheckConfig(config_));
    UNLASTING_ASSIGN_OR_RETURN(style_, ParseProgressStyle(flags_.data.progress));
    if (fs::exists(flags_.out) && !flags_.force) {
      return absl::AlreadyExistsError(
          absl::StrCat("--out: ", flags_.out, " exists; --force replaces it"));
    }
    UNLASTING_ASSIGN_OR_RETURN(const auto prepared,
                               PrepareCells(flags_.data.data, config_, style_));
    UNLASTING_ASSIGN_OR_RETURN(const auto data, TrainingData::Create(prepared));
    UNLASTING_ASSIGN_OR_RETURN(const auto graph,
                               TrainingGraph(data, config_.network().threshold(),
                                             static_cast<int>(config_.network().max_in_degree()),
                                             config_.network().prior()));
    Note(absl::StrFormat("network: %d nodes (%d without expression), %d edges", graph.nodes(),
                         data.nodes() - data.genes(), graph.edges() - graph.nodes()));
    UNLASTING_RETURN_IF_ERROR(work_.Prepare(flags_.resume, config_));

    const diffusion::Schedule schedule;
    const model::ModelConfig model_config = ModelConfigOf(config_, data, schedule);
    const auto statistics = StatisticsOf(data, graph, config_);
    UNLASTING_ASSIGN_OR_RETURN(
        auto denoiser, Network::Create(NetworkKind::kDenoiser, model_config, schedule, statistics,
                                       config_.seed(), model::Attention::kFused));
    UNLASTING_ASSIGN_OR_RETURN(
        auto mask, Network::Create(NetworkKind::kMask, model_config, schedule, statistics,
                                   config_.seed() + 1, model::Attention::kFused));
    UNLASTING_RETURN_IF_ERROR(TrainBoth(data, schedule, &denoiser, &mask));

    bundle::BundleParts parts;
    parts.manifest = MakeManifest(config_, flags_.out, data, graph, schedule, model_config);
    parts.manifest.training = training_;
    parts.manifest.training["seconds"] =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    parts.reference = MakeReference(config_, data, graph);
    parts.denoiser = &denoiser;
    parts.mask = &mask;
    parts.training = JsonLines(lines_);
    return WriteWithCard(std::move(parts));
  }

 private:
  void Note(const std::string& text) const {
    if (style_ != ProgressStyle::kNone) std::fprintf(stderr, "%s\n", text.c_str());
  }

  absl::Status TrainBoth(const TrainingData& data, const diffusion::Schedule& schedule,
                         Network* denoiser, Network* mask) {
    TrainingTask task;
    task.config = &config_;
    task.data = &data;
    task.schedule = &schedule;
    task.resume = flags_.resume;
    task.interrupted = &g_interrupted;
    if (flags_.resume) UNLASTING_RETURN_IF_ERROR(ReadLines());
    task.log = [this](const nlohmann::json& line) {
      lines_.push_back(line);
      // A lost log line is no reason to lose the run.
      (void)WriteFileAtomically(work_.At("training.jsonl"), JsonLines(lines_));
    };

    task.kind = NetworkKind::kDenoiser;
    task.steps = config_.steps();
    task.checkpoint_path = work_.At("denoiser.checkpoint");
    UNLASTING_RETURN_IF_ERROR(TrainOne("denoiser", &task, denoiser));
    UNLASTING_ASSIGN_OR_RETURN(const auto latents, MeasureLatents(task, *denoiser, 128));
    task.log({{"step", task.steps},
              {"latent_mean", latents.mean},
              {"latent_deviation", latents.deviation}});
    Note(absl::StrFormat("latents of control cells: mean %.3f, deviation %.3f (0 and 1 expected)",
                         latents.mean, latents.deviation));
    training_["latent_mean"] = latents.mean;
    training_["latent_deviation"] = latents.deviation;

    task.kind = NetworkKind::kMask;
    task.steps = config_.mask_steps();
    task.checkpoint_path = work_.At("mask.checkpoint");
    return TrainOne("mask", &task, mask);
  }

  absl::Status TrainOne(const char* name, TrainingTask* task, Network* network) {
    Progress progress(name, style_);
    double last_loss = 0;
    task->progress = [&](int64_t step, int64_t steps, double loss) {
      last_loss = loss;
      progress.Update(step, steps, absl::StrFormat("loss %.4f", loss));
    };
    UNLASTING_RETURN_IF_ERROR(Train(*task, network));
    training_[name] = {{"steps", task->steps}, {"last_loss", last_loss}};
    return absl::OkStatus();
  }

  absl::Status ReadLines() {
    const auto text = ReadFile(work_.At("training.jsonl"));
    if (!text.ok()) return absl::OkStatus();
    std::istringstream stream(*text);
    for (std::string line; std::getline(stream, line);) {
      auto parsed = nlohmann::json::parse(line, nullptr, false);
      if (!parsed.is_discarded()) lines_.push_back(std::move(parsed));
    }
    return absl::OkStatus();
  }

  // The card needs scores and the scores need a bundle: written once to the work folder, scored,
  // then written to its place.
  absl::Status WriteWithCard(bundle::BundleParts parts) {
    const std::string draft = work_.At("draft");
    UNLASTING_RETURN_IF_ERROR(bundle::WriteBundle(parts, draft));
    UNLASTING_ASSIGN_OR_RETURN(
        const auto scorecard,
        ScoreBundle(draft, flags_.data.data, static_cast<int>(config_.threads())));
    parts.manifest.training["evaluation"] = {{"mean", scorecard.mean},
                                             {"baselines", scorecard.baselines}};
    parts.card = RenderCard(parts.manifest, scorecard);
    UNLASTING_RETURN_IF_ERROR(bundle::WriteBundle(parts, flags_.out));
    work_.Remove();
    Note(absl::StrCat("wrote ", flags_.out));
    return absl::OkStatus();
  }

  FitFlags flags_;
  WorkFolder work_;
  TrainConfig config_;
  ProgressStyle style_ = ProgressStyle::kNone;
  std::vector<nlohmann::json> lines_;
  nlohmann::json training_ = nlohmann::json::object();
};

}  // namespace

Command AddFitCommand(CLI::App& root) {
  auto flags = std::make_shared<FitFlags>();
  CLI::App* app = root.add_subcommand("fit", "Trains a bundle from an .h5ad file");
  AddDataFlags(app, &flags->data);
  app->add_option("--out", flags->out, "Folder of the bundle to write")->required();
  app->add_flag("--resume", flags->resume, "Go on from the checkpoint beside --out");
  app->add_flag("--force", flags->force, "Replace an existing bundle");
  app->footer("Settings, with their defaults:\n" + DescribeSettings() +
              "\nExample:\n  unlasting-train fit --data cells.h5ad --out models/k562 --set "
              "split=covariates --set hold_out=cell_type=PW036");
  return {app, [flags] { return Fit(*flags).Run(); }};
}

}  // namespace unlasting::trainer
