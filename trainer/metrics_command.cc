#include "trainer/metrics_command.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/anndata/reader.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/cells/normalise.h"
#include "core/evaluate/scorecard.h"
#include "core/report/report.h"
#include "trainer/command.h"

namespace unlasting::trainer {
namespace {

using cells::Condition;
using cells::Dataset;

constexpr size_t kNamesShown = 5;

std::string Shortened(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kNamesShown);
  return absl::StrCat(absl::StrJoin(names.begin(), names.begin() + shown, ", "),
                      names.size() > shown ? ", ..." : "");
}

// The files of a run. One that is named twice is held once.
struct Files {
  std::shared_ptr<Dataset> predicted;
  std::shared_ptr<Dataset> truth;
  std::shared_ptr<Dataset> control;
  std::shared_ptr<Dataset> training;  // may be null

  // Those that can hold counts, each once.
  std::vector<std::pair<std::string, Dataset*>> Measured(const MetricsOptions& options) const {
    std::vector<std::pair<std::string, Dataset*>> files = {{options.truth, truth.get()}};
    const auto add = [&files](const std::string& path, Dataset* dataset) {
      for (const auto& [unused, known] : files) {
        if (known == dataset) return;
      }
      files.emplace_back(path, dataset);
    };
    add(options.control, control.get());
    if (training != nullptr) add(options.training, training.get());
    return files;
  }
};

// A cell type column that the user named must be there; only the default one may be absent.
absl::Status CheckCellTypeColumn(const std::string& path, const std::string& column) {
  if (column == cells::LoadOptions().cell_type_column) return absl::OkStatus();
  UNLASTING_ASSIGN_OR_RETURN(const auto reader, anndata::Reader::Open(path));
  UNLASTING_ASSIGN_OR_RETURN(const auto obs, reader->ReadObs());
  if (obs.Find(column) != nullptr) return absl::OkStatus();
  std::vector<std::string> names;
  for (const auto& [name, unused] : obs.columns) names.push_back(name);
  return absl::NotFoundError(
      absl::StrCat(path, ": obs has no column '", column, "'; found: ", absl::StrJoin(names, " ")));
}

absl::StatusOr<Files> LoadFiles(const MetricsOptions& options) {
  std::unordered_map<std::string, std::shared_ptr<Dataset>> loaded;
  const auto load = [&](const std::string& path) -> absl::StatusOr<std::shared_ptr<Dataset>> {
    if (const auto it = loaded.find(path); it != loaded.end()) return it->second;
    cells::LoadOptions columns = options.columns;
    columns.require_control = path == options.control || path == options.training;
    UNLASTING_RETURN_IF_ERROR(CheckCellTypeColumn(path, columns.cell_type_column));
    UNLASTING_ASSIGN_OR_RETURN(auto dataset, cells::LoadDataset(path, columns));
    return loaded[path] = std::make_shared<Dataset>(std::move(dataset));
  };
  cells::LoadOptions predicted_columns = options.columns;
  predicted_columns.require_control = false;
  predicted_columns.matrix = "log1p";
  predicted_columns.library_size_column.clear();
  Files files;
  UNLASTING_RETURN_IF_ERROR(
      CheckCellTypeColumn(options.predicted, options.columns.cell_type_column));
  UNLASTING_ASSIGN_OR_RETURN(auto predicted,
                             cells::LoadDataset(options.predicted, predicted_columns));
  files.predicted = std::make_shared<Dataset>(std::move(predicted));
  UNLASTING_ASSIGN_OR_RETURN(files.truth, load(options.truth));
  UNLASTING_ASSIGN_OR_RETURN(files.control, load(options.control));
  if (!options.training.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(files.training, load(options.training));
  }
  return files;
}

std::vector<double> LibrarySizes(const Dataset& dataset) {
  return dataset.library_size.empty() ? cells::RowSums(dataset.values) : dataset.library_size;
}

absl::StatusOr<double> TargetSum(const MetricsOptions& options, const Files& files) {
  if (options.target_sum > 0) return options.target_sum;
  UNLASTING_ASSIGN_OR_RETURN(const auto reader, anndata::Reader::Open(options.predicted));
  UNLASTING_ASSIGN_OR_RETURN(const auto uns, reader->ReadUns());
  const auto value = uns.value("/unlasting/target_sum"_json_pointer, nlohmann::json());
  if (value.is_number() && value.get<double>() > 0) return value.get<double>();
  std::vector<double> sums;
  for (const auto& [unused, dataset] : files.Measured(options)) {
    if (dataset == files.training.get() && dataset != files.truth.get() &&
        dataset != files.control.get()) {
      continue;
    }
    if (dataset->kind != cells::MatrixKind::kCounts) continue;
    const std::vector<double> sizes = LibrarySizes(*dataset);
    sums.insert(sums.end(), sizes.begin(), sizes.end());
  }
  return cells::MedianLibrarySize(sums, {});
}

absl::Status Normalise(const MetricsOptions& options, const Files& files, std::ostream& err) {
  std::optional<double> target;
  for (const auto& [path, dataset] : files.Measured(options)) {
    if (dataset->kind != cells::MatrixKind::kCounts) continue;
    if (!target) {
      UNLASTING_ASSIGN_OR_RETURN(target, TargetSum(options, files));
    }
    cells::NormaliseLog1p(LibrarySizes(*dataset), *target, &dataset->values);
    dataset->kind = cells::MatrixKind::kLog1p;
    err << path << ": counts, normalised to " << *target << " a cell, then log1p\n";
  }
  return absl::OkStatus();
}

// Keeps the genes that all files measure, in the order of the predictions.
absl::Status MatchGenes(const MetricsOptions& options, const Files& files, std::ostream& err) {
  std::vector<std::string> genes = files.predicted->genes;
  for (const auto& [path, dataset] : files.Measured(options)) {
    const std::set<std::string> measured(dataset->genes.begin(), dataset->genes.end());
    std::vector<std::string> kept, dropped;
    for (const auto& gene : genes) (measured.count(gene) > 0 ? kept : dropped).push_back(gene);
    if (kept.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          options.predicted, ": var: found no gene that ", path, " measures, expected 1 or more (",
          Shortened(genes), " against ", Shortened(dataset->genes), ")"));
    }
    if (!dropped.empty()) {
      err << "warning: " << dropped.size() << " of " << files.predicted->genes.size()
          << " predicted genes left out, " << path
          << " does not measure them: " << Shortened(dropped) << "\n";
    }
    genes = std::move(kept);
  }
  const auto select = [&genes](Dataset* dataset) {
    std::unordered_map<std::string, int64_t> columns;
    for (int64_t g = 0; g < dataset->n_genes(); ++g) columns[dataset->genes[g]] = g;
    std::vector<int64_t> selected;
    selected.reserve(genes.size());
    for (const auto& gene : genes) selected.push_back(columns[gene]);
    dataset->values = SelectColumns(dataset->values, selected);
    dataset->genes = genes;
  };
  select(files.predicted.get());
  for (const auto& [unused, dataset] : files.Measured(options)) select(dataset);
  return absl::OkStatus();
}

bool HasMolecules(const Dataset& dataset) {
  return std::any_of(dataset.conditions.begin(), dataset.conditions.end(),
                     [](const Condition& condition) { return condition.molecule(); });
}

// The cells of each condition and cell type; doses tell conditions apart where both files that are
// compared have them. The control's condition is "".
using GroupKey = std::pair<std::string, std::string>;
std::map<GroupKey, std::vector<int64_t>> CellsByGroup(const Dataset& dataset, bool with_dose) {
  std::map<GroupKey, std::vector<int64_t>> groups;
  for (int64_t cell = 0; cell < dataset.n_cells(); ++cell) {
    const Condition& condition = dataset.conditions[dataset.condition[cell]];
    const std::string name = with_dose ? condition.Key() : condition.name;
    groups[{condition.control ? "" : name, dataset.cell_types[dataset.cell_type[cell]]}].push_back(
        cell);
  }
  return groups;
}

// Mean of the condition's cells minus mean of the control cells, averaged over the cell types that
// have both; by condition.
std::map<std::string, std::vector<float>> MeanShifts(const Dataset& training, bool with_dose) {
  const auto groups = CellsByGroup(training, with_dose);
  std::map<std::string, std::vector<double>> sums;
  std::map<std::string, int> types;
  std::vector<double> mean, control_mean, unused;
  for (const auto& [key, rows] : groups) {
    const auto controls = groups.find({"", key.second});
    if (key.first.empty() || controls == groups.end()) continue;
    cells::MeanAndDeviation(training.values, rows, &mean, &unused);
    cells::MeanAndDeviation(training.values, controls->second, &control_mean, &unused);
    std::vector<double>& sum = sums[key.first];
    sum.resize(mean.size());
    for (size_t g = 0; g < mean.size(); ++g) sum[g] += mean[g] - control_mean[g];
    ++types[key.first];
  }
  std::map<std::string, std::vector<float>> shifts;
  for (const auto& [condition, sum] : sums) {
    for (const double value : sum) {
      shifts[condition].push_back(static_cast<float>(value / types[condition]));
    }
  }
  return shifts;
}

absl::StatusOr<std::vector<evaluate::Group>> MakeGroups(const MetricsOptions& options,
                                                        const Files& files, std::ostream& err) {
  const bool with_dose = HasMolecules(*files.predicted) && HasMolecules(*files.truth);
  const auto predicted = CellsByGroup(*files.predicted, with_dose);
  const auto truth = CellsByGroup(*files.truth, with_dose);
  const auto control = CellsByGroup(*files.control, with_dose);
  std::map<std::string, std::vector<float>> shifts;
  const bool shifts_with_dose =
      with_dose && files.training != nullptr && HasMolecules(*files.training);
  if (files.training != nullptr) shifts = MeanShifts(*files.training, shifts_with_dose);

  std::vector<evaluate::Group> groups;
  std::vector<std::string> names;
  for (const auto& [key, rows] : predicted) {
    const auto& [condition, cell_type] = key;
    if (condition.empty()) continue;
    names.push_back(absl::StrCat(condition, " / ", cell_type));
    const auto true_rows = truth.find(key);
    const auto control_rows = control.find({"", cell_type});
    if (true_rows == truth.end() || control_rows == control.end()) {
      const bool no_truth = true_rows == truth.end();
      err << "warning: " << names.back() << " left out, "
          << (no_truth ? options.truth : options.control) << " holds no "
          << (no_truth ? "true" : "control") << " cells for it\n";
      continue;
    }
    evaluate::Group group;
    group.key = {{"condition", condition}, {"cell_type", cell_type}};
    group.predicted = SelectRowsDense(files.predicted->values, rows);
    group.truth = SelectRowsDense(files.truth->values, true_rows->second);
    group.control = SelectRowsDense(files.control->values, control_rows->second);
    const auto& trained = files.predicted->conditions[files.predicted->condition[rows.front()]];
    const auto shift = shifts.find(shifts_with_dose ? condition : trained.name);
    if (shift != shifts.end()) group.mean_shift = shift->second;
    groups.push_back(std::move(group));
  }
  if (!groups.empty()) return groups;
  std::vector<std::string> known;
  for (const auto& [key, unused] : truth) {
    if (!key.first.empty()) known.push_back(absl::StrCat(key.first, " / ", key.second));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      options.predicted, ": obs: found the groups ", names.empty() ? "none" : Shortened(names),
      ", expected one with true cells in ", options.truth, " (",
      known.empty() ? "none" : Shortened(known), ") and control cells in ", options.control));
}

// Symbols where a file gives them: readers of a page know genes by those.
std::vector<std::string> ReadableGenes(const Files& files) {
  std::vector<std::string> names = files.predicted->genes;
  for (std::string& name : names) {
    for (const auto& dataset : {files.predicted, files.truth}) {
      const auto symbol = dataset->gene_symbols.find(name);
      if (symbol == dataset->gene_symbols.end()) continue;
      name = symbol->second;
      break;
    }
  }
  return names;
}

}  // namespace

absl::Status RunMetrics(const MetricsOptions& options, std::ostream& out, std::ostream& err) {
  UNLASTING_ASSIGN_OR_RETURN(const Files files, LoadFiles(options));
  UNLASTING_RETURN_IF_ERROR(Normalise(options, files, err));
  UNLASTING_RETURN_IF_ERROR(MatchGenes(options, files, err));
  UNLASTING_ASSIGN_OR_RETURN(const auto groups, MakeGroups(options, files, err));
  evaluate::ScoreOptions scoring;
  scoring.threads = options.threads > 0
                        ? options.threads
                        : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  scoring.seed = options.seed;
  UNLASTING_ASSIGN_OR_RETURN(const auto card, evaluate::Score(groups, scoring));
  if (!options.report.empty()) {
    report::ReportInput page;
    page.title =
        absl::StrCat("Scores of ", std::filesystem::path(options.predicted).filename().string());
    page.manifest = {
        {"predicted", options.predicted}, {"truth", options.truth}, {"control", options.control}};
    if (!options.training.empty()) page.manifest["training"] = options.training;
    page.scorecard = card;
    page.groups = &groups;
    page.genes = ReadableGenes(files);
    UNLASTING_RETURN_IF_ERROR(WriteFileAtomically(options.report, report::RenderHtml(page)));
  }
  out << (options.json ? card.ToJson().dump(2) + "\n" : card.ToTable());
  return absl::OkStatus();
}

Command AddMetricsCommand(CLI::App& root) {
  auto options = std::make_shared<MetricsOptions>();
  CLI::App* app = root.add_subcommand(
      "metrics", "Scores predicted cells, from any tool, against true cells and baselines.");
  app->add_option("--predicted", options->predicted, "predicted cells (.h5ad, log1p)")->required();
  app->add_option("--truth", options->truth, "true cells; may hold all conditions")->required();
  app->add_option("--control", options->control, "control cells; may be the file of --truth")
      ->required();
  app->add_option("--training", options->training,
                  "cells a model was trained on: gives the mean-shift baseline");
  app->add_option("--groupby,--condition-column", options->columns.condition_column,
                  "obs column of the condition; groups are conditions within cell types")
      ->capture_default_str();
  app->add_option("--cell-type-column", options->columns.cell_type_column, "obs column")
      ->capture_default_str();
  app->add_option("--control-value", options->columns.control, "condition of unperturbed cells")
      ->capture_default_str();
  app->add_option("--matrix", options->columns.matrix,
                  "what the files other than --predicted hold: auto, counts or log1p")
      ->check(CLI::IsMember({"auto", "counts", "log1p"}))
      ->capture_default_str();
  app->add_option("--library-size-column", options->columns.library_size_column,
                  "obs column of each cell's counts over all genes (default: the row's sum)");
  app->add_option("--target-sum", options->target_sum,
                  "normalises counts to this sum a cell (default: the predictions' "
                  "uns/unlasting/target_sum, else the median of truth and control)")
      ->check(CLI::Range(1.0, 1e9));
  app->add_option("--threads", options->threads, "0: one for each processor")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app->add_option("--seed", options->seed, "of the random halves of the ceiling")
      ->capture_default_str();
  app->add_flag("--json", options->json, "JSON on stdout instead of tables");
  app->add_option("--report", options->report, "writes an HTML page with plots here");
  app->footer(
      "\nExamples:\n"
      "  unlasting-train metrics --predicted p.h5ad --truth cells.h5ad --control cells.h5ad\n"
      "  unlasting-train metrics --predicted p.h5ad --truth t.h5ad --control c.h5ad \\\n"
      "      --training train.h5ad --json --report report.html\n");
  return {app, [options] { return RunMetrics(*options, std::cout, std::cerr); }};
}

}  // namespace unlasting::trainer
