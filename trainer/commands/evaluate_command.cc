// unlasting-train evaluate: predicts a bundle's held-out conditions and scores them.
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/cli/interrupt.h"
#include "core/cli/progress.h"
#include "core/predict/engine/engine_factory.h"
#include "core/report/group_plots.h"
#include "core/report/report.h"
#include "core/report/rule_page.h"
#include "trainer/commands/command.h"
#include "trainer/commands/scoring_flags.h"
#include "trainer/data/data_options.h"
#include "trainer/scoring/predict_groups.h"
#include "trainer/scoring/rule_groups.h"
#include "trainer/settings/settings.h"

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
  ScoringOptions scoring;
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

// Scores the held-out groups by a rule of the field instead of by the scorecard.
absl::Status EvaluateByRule(const EvaluateFlags& flags, const bundle::Manifest& manifest,
                            const HeldOut& held_out, PredictGroupsOptions options,
                            predict::Engine* engine, cli::ProgressStyle style) {
  UNLASTING_ASSIGN_OR_RETURN(const TrainConfig config, ConfigFromJson(manifest.settings));
  RuleGroupsOptions rule;
  rule.rule = flags.scoring.rule;
  rule.control_label = LoadOptionsOf(config).control;
  rule.target_sum = manifest.normalisation.target_sum;
  rule.seed = flags.seed;
  rule.threads = flags.threads;
  UNLASTING_ASSIGN_OR_RETURN(auto groups, RuleGroups::Create(rule, held_out));
  evaluate::Scorecard trained;  // what training had of the groups, for the page
  {
    cli::Progress progress("evaluate", "groups", style);
    options.progress = [&](int64_t done, int64_t total) { progress.Update(done, total); };
    size_t next = 0;
    UNLASTING_RETURN_IF_ERROR(
        PredictGroups(engine, held_out, options, [&](const evaluate::Group& group) {
          groups.Add(held_out.groups[next++], group);
          trained.groups.emplace_back();
          trained.groups.back().key = group.key;
          trained.groups.back().trained = group.trained;
          return absl::OkStatus();
        }));
  }
  if (cli::Interrupted()) return absl::CancelledError("interrupted");
  UNLASTING_ASSIGN_OR_RETURN(const auto scores, groups.Score());
  if (!flags.report.empty()) {
    const std::string title = absl::StrCat(manifest.name, ": held-out predictions");
    UNLASTING_RETURN_IF_ERROR(WriteFileAtomically(
        flags.report, report::RenderRuleHtml(title, scores, manifest.ToJson(), trained)));
  }
  std::printf("%s\n", (flags.json ? RuleJson(scores).dump(2) : RuleText(scores)).c_str());
  return absl::OkStatus();
}

absl::Status RunEvaluate(const EvaluateFlags& flags) {
  const bool by_rule = flags.scoring.rule != ScoringRule::kUnlasting;
  if (by_rule && !flags.export_dir.empty()) {
    return absl::InvalidArgumentError(
        "--export: needs --rule unlasting, found another rule; leave out one of them");
  }
  UNLASTING_ASSIGN_OR_RETURN(const cli::ProgressStyle style,
                             cli::ParseProgressStyle(flags.progress));
  UNLASTING_ASSIGN_OR_RETURN(auto bundle, bundle::Bundle::Load(flags.bundle));
  const auto& manifest = bundle->manifest();
  if (!flags.export_dir.empty()) {
    return ExportHeldOut(manifest, flags.data, flags.split, flags.export_dir);
  }
  UNLASTING_ASSIGN_OR_RETURN(const auto held_out,
                             LoadHeldOut(manifest, flags.data, flags.split, flags.max_cells));
  predict::EngineOptions engine_options;
  engine_options.threads = flags.threads;
  UNLASTING_ASSIGN_OR_RETURN(auto engine, predict::CreateEngine(bundle, engine_options));
  PredictGroupsOptions options;
  options.interrupted = &cli::InterruptFlag();
  UNLASTING_ASSIGN_OR_RETURN(options.predict, OptionsOf(flags, *bundle));
  if (by_rule) return EvaluateByRule(flags, manifest, held_out, options, engine.get(), style);
  evaluate::Scorer scorer({flags.threads, flags.seed, flags.scoring.resamples, flags.scoring.test});
  report::GroupPlots plots(ReadableNames(manifest, manifest.genes));
  {
    cli::Progress progress("evaluate", "groups", style);
    options.progress = [&](int64_t done, int64_t total) { progress.Update(done, total); };
    UNLASTING_RETURN_IF_ERROR(PredictGroups(engine.get(), held_out, options,
                                            [&](const evaluate::Group& group) -> absl::Status {
                                              UNLASTING_RETURN_IF_ERROR(scorer.Add(group));
                                              if (!flags.report.empty()) plots.Add(group);
                                              return absl::OkStatus();
                                            }));
  }
  const evaluate::Scorecard scorecard = scorer.Finish();
  if (!flags.report.empty()) {
    report::ReportInput input;
    input.title = absl::StrCat(manifest.name, ": held-out predictions");
    input.manifest = manifest.ToJson();
    input.training = TrainingLines(flags.bundle);
    input.scorecard = scorecard;
    input.plots = &plots;
    input.trained_doses = held_out.trained_doses;
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
      "evaluate", "Predicts the held-out conditions of a bundle and scores them beside baselines");
  app->add_option("--bundle", flags->bundle, "Folder of the bundle")->required();
  app->add_option("--data", flags->data, "File of cells that the bundle was trained on")
      ->required();
  app->add_option("--split", flags->split, "Part of the split to predict: test or train")
      ->capture_default_str();
  app->add_option("--ablation", flags->ablation,
                  "What to leave out of the prediction: no_latent or no_mask");
  app->add_option(
      "--mask", flags->mask,
      "How predicted genes become silent: rank, cell, aggregate, sample or none (default: the "
      "bundle's)");
  app->add_option("--solver", flags->solver, "ODE solver: dpmpp2m or ddim (default: the bundle's)");
  app->add_option("--solver-steps", flags->solver_steps,
                  "Solver steps in each direction; 0: the bundle's default");
  app->add_option("--eta", flags->eta,
                  "Noise of each decoding step with --solver ddim, 0 to 1, drawn by --seed");
  app->add_option("--max-cells", flags->max_cells,
                  "Cells of each group that are predicted and scored; 0: all")
      ->capture_default_str();
  app->add_option("--threads", flags->threads, "CPU threads")->capture_default_str();
  app->add_option("--seed", flags->seed, "Seed of sampled masks, random latents and resamples");
  AddScoringFlags(app, &flags->scoring);
  app->add_option("--report", flags->report, "HTML page to write, with tables and plots");
  app->add_option(
      "--export", flags->export_dir,
      "Folder to which truth.h5ad, control.h5ad and training.h5ad of the split are written, "
      "without any prediction");
  app->add_option("--progress", flags->progress,
                  "How progress is shown on stderr: auto, bar, plain or none")
      ->capture_default_str();
  app->add_flag("--json", flags->json, "Print the scores as JSON");
  app->footer(
      "Examples:\n  unlasting-train evaluate --bundle models/k562 --data cells.h5ad\n"
      "  unlasting-train evaluate --bundle models/k562 --data cells.h5ad --rule vcc2026 --json");
  return {app, [flags] { return RunEvaluate(*flags); }};
}

}  // namespace unlasting::trainer
