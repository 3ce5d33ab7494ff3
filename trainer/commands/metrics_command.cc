#include "trainer/commands/metrics_command.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/cli/interrupt.h"
#include "core/cli/value_checks.h"
#include "core/evaluate/scorer.h"
#include "core/report/group_plots.h"
#include "core/report/report.h"
#include "core/report/rule_page.h"
#include "trainer/commands/command.h"
#include "trainer/commands/scoring_flags.h"
#include "trainer/scoring/metrics_files.h"
#include "trainer/scoring/metrics_groups.h"
#include "trainer/scoring/rule_files.h"

namespace unlasting::trainer {
namespace {

absl::Status CheckFlags(const MetricsOptions& options) {
  const auto only = [](const char* flag, const char* rule) {
    return absl::InvalidArgumentError(
        absl::StrCat(flag, ": needs --rule ", rule, ", found another rule; leave out one of them"));
  };
  const ScoringRule rule = options.scoring.rule;
  if (!options.draws.empty() && rule != ScoringRule::kVcc2026) return only("--draws", "vcc2026");
  if (rule == ScoringRule::kUnlasting) return absl::OkStatus();
  if (!options.training.empty()) return only("--training", "unlasting");
  if (options.control.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "--control: found with a --rule that takes the control cells from --truth and --predicted; "
      "leave it out and name them with --control-label");
}

std::string TitleOf(const MetricsOptions& options) {
  return absl::StrCat("Scores of ", std::filesystem::path(options.predicted).filename().string());
}

absl::Status RunRule(const MetricsOptions& options, std::ostream& out) {
  UNLASTING_ASSIGN_OR_RETURN(const auto scores, ScoreFilesByRule(options));
  if (!options.report.empty()) {
    UNLASTING_RETURN_IF_ERROR(WriteFileAtomically(
        options.report,
        report::RenderRuleHtml(TitleOf(options), {{"", scores}},
                               {{"predicted", options.predicted}, {"truth", options.truth}})));
  }
  out << (options.json ? scores.ToJson().dump(2) + "\n" : scores.ToText());
  return absl::OkStatus();
}

// What the values of the files are, and what they are brought to.
void AddValueFlags(CLI::App* app, MetricsOptions* options) {
  app->add_option("--matrix", options->columns.matrix,
                  "What the files other than --predicted hold: auto, counts or log1p")
      ->check(cli::OneOf({"auto", "counts", "log1p"}))
      ->capture_default_str();
  app->add_option(
         "--predicted-matrix", options->predicted_matrix,
         "What --predicted holds: counts, log1p, or auto (log1p; a file of whole numbers is "
         "refused)")
      ->check(cli::OneOf({"auto", "counts", "log1p"}))
      ->capture_default_str();
  app->add_option("--library-size-column", options->columns.library_size_column,
                  "Column of obs that holds each cell's counts over all genes (default: the sum of "
                  "its row)");
  app->add_option(
         "--target-sum", options->target_sum,
         "Sum per cell to which counts are normalised and log1p values rescaled (default: that "
         "of the predictions' log1p values, else that of the other files', else the median of the "
         "counts)")
      ->check(cli::Between(1.0, 1e9));
}

}  // namespace

absl::Status RunMetrics(const MetricsOptions& given, std::ostream& out, std::ostream& err) {
  UNLASTING_RETURN_IF_ERROR(CheckFlags(given));
  if (given.scoring.rule != ScoringRule::kUnlasting) return RunRule(given, out);
  MetricsOptions options = given;
  if (options.control.empty()) options.control = options.truth;
  UNLASTING_ASSIGN_OR_RETURN(const MetricsFiles files, OpenMetricsFiles(options, err));
  UNLASTING_ASSIGN_OR_RETURN(const auto groups, MetricsGroups::Load(options, files, err));
  evaluate::ScoreOptions scoring;
  scoring.threads = options.threads > 0
                        ? options.threads
                        : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  scoring.seed = options.seed;
  scoring.resamples = options.scoring.resamples;
  scoring.test = options.scoring.test;
  evaluate::Scorer scorer(scoring);
  report::GroupPlots plots(files.ReadableGenes());
  UNLASTING_RETURN_IF_ERROR(groups.ForEach([&](const evaluate::Group& group) -> absl::Status {
    if (cli::Interrupted()) return absl::CancelledError("interrupted; nothing was written");
    UNLASTING_RETURN_IF_ERROR(scorer.Add(group));
    if (!options.report.empty()) plots.Add(group);
    return absl::OkStatus();
  }));
  const evaluate::Scorecard card = scorer.Finish();
  if (!options.report.empty()) {
    report::ReportInput page;
    page.title = TitleOf(options);
    page.manifest = {
        {"predicted", options.predicted}, {"truth", options.truth}, {"control", options.control}};
    if (!options.training.empty()) page.manifest["training"] = options.training;
    page.scorecard = card;
    page.plots = &plots;
    page.trained_doses = groups.trained_doses();
    page.genes = files.ReadableGenes();
    UNLASTING_RETURN_IF_ERROR(WriteFileAtomically(options.report, report::RenderHtml(page)));
  }
  out << (options.json ? card.ToJson(files.genes).dump(2) + "\n" : card.ToTable());
  return absl::OkStatus();
}

Command AddMetricsCommand(CLI::App& root) {
  auto options = std::make_shared<MetricsOptions>();
  CLI::App* app = root.add_subcommand(
      "metrics", "Scores predicted cells, from any tool, against true cells and beside baselines");
  app->add_option("--predicted", options->predicted, "File of predicted cells, log1p values")
      ->required();
  app->add_option("--truth", options->truth,
                  "File of true cells; it may hold more conditions than were predicted")
      ->required();
  app->add_option("--control", options->control, "File of control cells (default: --truth)");
  app->add_option("--training", options->training,
                  "File of the cells that the model was trained on; adds the mean-shift baseline");
  app->add_option(
         "--groupby,--condition-column", options->columns.condition_column,
         "Column of obs that holds the condition; a group is a condition within a cell type")
      ->capture_default_str();
  app->add_option("--cell-type-column", options->columns.cell_type_column,
                  "Column of obs that holds each cell's type")
      ->capture_default_str();
  app->add_option(
         "--control-value,--control-label", options->columns.control,
         "Condition of control cells; rules of the field look for it in --truth and --predicted")
      ->capture_default_str();
  app->add_option("--covariates", options->columns.covariates,
                  "Columns of obs with numbers, such as hours, that tell conditions of drugs and "
                  "treatments apart (default: those that --predicted names in uns)")
      ->delimiter(',');
  AddValueFlags(app, options.get());
  app->add_option("--threads", options->threads, "CPU threads; 0: one for each processor")
      ->check(cli::Between(0, 1024))
      ->capture_default_str();
  AddScoringFlags(app, &options->scoring);
  app->add_option("--seed", options->seed,
                  "Seed of the random halves of the ceiling and of the resamples")
      ->capture_default_str();
  app->add_option("--draws", options->draws,
                  "JSON file with the split halves and baseline rows of --rule vcc2026, keys "
                  "splits_cells and baseline_construction (default: drawn by --seed)");
  app->add_flag("--json", options->json, "Print the scores as JSON");
  app->add_option("--report", options->report, "HTML page to write, with tables and plots");
  app->footer(
      "\nExamples:\n"
      "  unlasting-train metrics --predicted p.h5ad --truth cells.h5ad --control cells.h5ad\n"
      "  unlasting-train metrics --predicted p.h5ad --truth t.h5ad --control c.h5ad \\\n"
      "      --training train.h5ad --json --report report.html\n"
      "  unlasting-train metrics --rule vcc2026 --truth t.h5ad --predicted p.h5ad \\\n"
      "      --groupby target --control-label non-targeting --json\n");
  return {app, [options] { return RunMetrics(*options, std::cout, std::cerr); }};
}

}  // namespace unlasting::trainer
