#include "trainer/metrics_files.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/anndata/reader.h"
#include "core/base/status.h"
#include "core/cells/normalise.h"

namespace unlasting::trainer {
namespace {

using cells::Dataset;

constexpr size_t kNamesShown = 5;

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

absl::StatusOr<MetricsFiles> ReadFiles(const MetricsOptions& options) {
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
  MetricsFiles files;
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

absl::StatusOr<double> TargetSum(const MetricsOptions& options, const MetricsFiles& files) {
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

absl::Status Normalise(const MetricsOptions& options, const MetricsFiles& files,
                       std::ostream& err) {
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
absl::Status MatchGenes(const MetricsOptions& options, const MetricsFiles& files,
                        std::ostream& err) {
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

}  // namespace

std::string Shortened(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kNamesShown);
  return absl::StrCat(absl::StrJoin(names.begin(), names.begin() + shown, ", "),
                      names.size() > shown ? ", ..." : "");
}

std::vector<std::pair<std::string, Dataset*>> MetricsFiles::Measured(
    const MetricsOptions& options) const {
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

std::vector<std::string> MetricsFiles::ReadableGenes() const {
  std::vector<std::string> names = predicted->genes;
  for (std::string& name : names) {
    for (const auto& dataset : {predicted, truth}) {
      const auto symbol = dataset->gene_symbols.find(name);
      if (symbol == dataset->gene_symbols.end()) continue;
      name = symbol->second;
      break;
    }
  }
  return names;
}

absl::StatusOr<MetricsFiles> LoadMetricsFiles(const MetricsOptions& options, std::ostream& err) {
  UNLASTING_ASSIGN_OR_RETURN(MetricsFiles files, ReadFiles(options));
  UNLASTING_RETURN_IF_ERROR(Normalise(options, files, err));
  UNLASTING_RETURN_IF_ERROR(MatchGenes(options, files, err));
  return files;
}

}  // namespace unlasting::trainer
