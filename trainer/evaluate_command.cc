// unlasting-train evaluate: predicts a bundle's held-out conditions and scores them.
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/report/report.h"
#include "trainer/command.h"
#include "trainer/predict_groups.h"
#include "trainer/progress.h"
#include "trainer/scoring_flags.h"
#include "trainer/trained_doses.h"

namespace unlasting::trainer {
namespace {

namespace fs = std::filesystem;

struct EvaluateFlags {
  std::string bundle;
  std::string data;
  std::string split = "test";
  std::string ablation;
  std::string report;
  std::string export_dir;
  std::string progress = "auto";
  std::string mask;
  std::string solver;
  int solver_steps = 0;
  double eta = 0;
  int64_t max_cells = 1000;
  int threads = 2;
  uint64_t seed = 0;
  ScoringFlags scoring;
  bool json = false;
};

absl::StatusOr<predict::PredictOptions> OptionsOf(const EvaluateFlags& flags,
                                                  const bundle::Bundle& bundle) {
  predict::PredictOptions options = predict::DefaultOptions(bundle);
  options.seed = flags.seed;
  if (!flags.mask.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(options.mask, predict::ParseMaskMode(flags.mask));
  }
  if (!flags.solver.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(options.solver, diffusion::ParseSolver(flags.solver));
    options.solver_steps = diffusion::DefaultSteps(options.solver);
  }
  if (flags.solver_steps > 0) options.solver_steps = flags.solver_steps;
  options.eta = flags.eta;
  const absl::Status noise = diffusion::CheckEta(options.solver, options.eta);
  if (!noise.ok()) return absl::Status(noise.code(), absl::StrCat("--", noise.message()));
  if (flags.ablation == "no_latent") {
    options.random_latent = true;
  } else if (flags.ablation == "no_mask") {
    options.mask = predict::MaskMode::kNone;
  } else if (!flags.ablation.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--ablation: found '", flags.ablation,
        "', expected no_latent or no_mask; no_control and no_grn are settings of fit (ablation=)"));
  }
  return options;
}

absl::Status Export(const HeldOut& held_out, double target_sum, const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return absl::UnknownError(absl::StrCat(directory, ": ", error.message()));
  std::vector<int64_t> truth, control;
  std::vector<bool> wanted(held_out.data.n_cells(), false);
  for (const auto& group : held_out.groups) {
    truth.insert(truth.end(), group.truth.begin(), group.truth.end());
    // Groups of one cell type share their control cells.
    for (const int64_t cell : group.control) wanted[cell] = true;
  }
  for (int64_t cell = 0; cell < held_out.data.n_cells(); ++cell) {
    if (wanted[cell]) control.push_back(cell);
  }
  const auto at = [&](const char* name) { return (fs::path(directory) / name).string(); };
  UNLASTING_RETURN_IF_ERROR(ExportCells(held_out, truth, target_sum, at("truth.h5ad")));
  UNLASTING_RETURN_IF_ERROR(ExportCells(held_out, control, target_sum, at("control.h5ad")));
  return ExportCells(held_out, held_out.split.Cells(false), target_sum, at("training.h5ad"));
}

std::vector<nlohmann::json> TrainingLines(const std::string& bundle) {
  std::vector<nlohmann::json> lines;
  const auto text = ReadFile(fs::path(bundle) / "training.jsonl");
  if (!text.ok()) return lines;
  std::istringstream stream(*text);
  for (std::string line; std::getline(stream, line);) {
    auto parsed = nlohmann::json::parse(line, nullptr, false);
    if (!parsed.is_discarded()) lines.push_back(std::move(parsed));
  }
  return lines;
}

// Symbols where the data gave them: readers of a page know genes by those.
std::vector<std::string> ReadableNames(const bundle::Manifest& manifest,
                                       std::vector<std::string> genes) {
  for (std::string& gene : genes) {
    const auto symbol = manifest.gene_symbols.find(gene);
    if (symbol != manifest.gene_symbols.end()) gene = symbol->second;
  }
  return genes;
}

absl::Status RunEvaluate(const EvaluateFlags& flags) {
  UNLASTING_ASSIGN_OR_RETURN(const ProgressStyle style, ParseProgressStyle(flags.progress));
  UNLASTING_ASSIGN_OR_RETURN(auto bundle, bundle::Bundle::Load(flags.bundle));
  const auto& manifest = bundle->manifest();
  UNLASTING_ASSIGN_OR_RETURN(const auto held_out, LoadHeldOut(manifest, flags.data, flags.split));
  if (held_out.groups.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(flags.data, ": nothing is held out"));
  }
  if (!flags.export_dir.empty()) {
    return Export(held_out, manifest.normalisation.target_sum, flags.export_dir);
  }
  predict::EngineOptions engine_options;
  engine_options.threads = flags.threads;
  UNLASTING_ASSIGN_OR_RETURN(auto engine, predict::Engine::Create(bundle, engine_options));
  PredictGroupsOptions options;
  UNLASTING_ASSIGN_OR_RETURN(options.predict, OptionsOf(flags, *bundle));
  options.max_cells = flags.max_cells;
  std::vector<evaluate::Group> groups;
  {
    Progress progress("groups", style);
    options.progress = [&](int64_t done, int64_t total) { progress.Update(done, total); };
    UNLASTING_ASSIGN_OR_RETURN(groups, PredictGroups(engine.get(), held_out, options));
  }
  UNLASTING_ASSIGN_OR_RETURN(
      const auto scorecard, evaluate::Score(groups, {flags.threads, flags.seed,
                                                     flags.scoring.resamples, flags.scoring.test}));
  if (!flags.report.empty()) {
    report::ReportInput input;
    input.title = absl::StrCat(manifest.name, ": held-out predictions");
    input.manifest = manifest.ToJson();
    input.training = TrainingLines(flags.bundle);
    input.scorecard = scorecard;
    input.groups = &groups;
    input.trained_doses = TrainedDosesOf(held_out.data, held_out.split.test);
    input.genes = ReadableNames(manifest, manifest.genes);
    std::vector<std::string> nodes = manifest.genes;
    nodes.insert(nodes.end(), manifest.perturbed_only.begin(), manifest.perturbed_only.end());
    input.network = &bundle->reference().network;
    input.network_nodes = ReadableNames(manifest, std::move(nodes));
    UNLASTING_RETURN_IF_ERROR(WriteFileAtomically(flags.report, report::RenderHtml(input)));
  }
  const std::string text =
      flags.json ? scorecard.ToJson(manifest.genes).dump(2) : scorecard.ToTable();
  std::printf("%s\n", text.c_str());
  return absl::OkStatus();
}

}  // namespace

Command AddEvaluateCommand(CLI::App& root) {
  auto flags = std::make_shared<EvaluateFlags>();
  CLI::App* app = root.add_subcommand(
      "evaluate", "Predicts the held-out conditions of a bundle and prints scores with baselines");
  app->add_option("--bundle", flags->bundle, "Folder of the bundle")->required();
  app->add_option("--data", flags->data, "The .h5ad file it was trained on")->required();
  app->add_option("--split", flags->split, "test or train")->capture_default_str();
  app->add_option("--ablation", flags->ablation, "no_latent or no_mask");
  app->add_option("--mask", flags->mask, "rank, cell, aggregate, sample or none");
  app->add_option("--solver", flags->solver, "dpmpp2m or ddim");
  app->add_option("--solver-steps", flags->solver_steps, "Steps each way; 0: the default");
  app->add_option("--eta", flags->eta, "Noise of ddim's decoding steps, 0 to 1, by --seed");
  app->add_option("--max-cells", flags->max_cells, "Cells of each group; 0: all")
      ->capture_default_str();
  app->add_option("--threads", flags->threads, "CPU threads")->capture_default_str();
  app->add_option("--seed", flags->seed, "Of sampled masks and random latents");
  AddScoringFlags(app, &flags->scoring);
  app->add_option("--report", flags->report, "HTML report to write");
  app->add_option(
      "--export", flags->export_dir,
      "Only write truth.h5ad, control.h5ad and training.h5ad of the split to this folder");
  app->add_option("--progress", flags->progress, "auto, bar, plain or none")->capture_default_str();
  app->add_flag("--json", flags->json, "Scores as JSON on stdout");
  app->footer("Example:\n  unlasting-train evaluate --bundle models/k562 --data cells.h5ad");
  return {app, [flags] { return RunEvaluate(*flags); }};
}

}  // namespace unlasting::trainer
