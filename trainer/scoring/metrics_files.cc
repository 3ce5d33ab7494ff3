#include "trainer/scoring/metrics_files.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/anndata/open_reader.h"
#include "core/base/status.h"
#include "core/cells/normalise.h"

namespace unlasting::trainer {
namespace {

using cells::NormalisedFile;

constexpr size_t kNamesShown = 5;

// A cell type column that the user named must be there; only the default one may be absent.
absl::Status CheckCellTypeColumn(const std::string& path, const std::string& column) {
  if (column.empty() || column == cells::LoadOptions().cell_type_column) return absl::OkStatus();
  UNLASTING_ASSIGN_OR_RETURN(const auto reader, anndata::OpenReader(path));
  UNLASTING_ASSIGN_OR_RETURN(const auto obs, reader->ReadObs());
  if (obs.Find(column) != nullptr) return absl::OkStatus();
  std::vector<std::string> names;
  for (const auto& [name, unused] : obs.columns) names.push_back(name);
  return absl::NotFoundError(
      absl::StrCat(path, ": obs has no column '", column, "'; found: ", absl::StrJoin(names, " ")));
}

// Those of the flag, or else those that the predictions' uns names.
absl::StatusOr<std::vector<std::string>> CovariatesOf(const MetricsOptions& options) {
  if (!options.columns.covariates.empty()) return options.columns.covariates;
  UNLASTING_ASSIGN_OR_RETURN(const auto reader, anndata::OpenReader(options.predicted));
  UNLASTING_ASSIGN_OR_RETURN(const auto uns, reader->ReadUns());
  std::vector<std::string> names;
  const auto value = uns.value("/unlasting/covariates"_json_pointer, nlohmann::json());
  for (const auto& name : value.is_array() ? value : nlohmann::json::array({value})) {
    if (name.is_string()) names.push_back(name);
  }
  return names;
}

// Whole numbers are counts where the predictions' uns says that they were drawn as such.
absl::StatusOr<std::string> PredictedMatrix(const MetricsOptions& options) {
  if (options.predicted_matrix != "auto") return options.predicted_matrix;
  UNLASTING_ASSIGN_OR_RETURN(const auto reader, anndata::OpenReader(options.predicted));
  UNLASTING_ASSIGN_OR_RETURN(const auto uns, reader->ReadUns());
  const auto kind = uns.value("/unlasting/value_kind"_json_pointer, nlohmann::json());
  return kind == "counts" ? "counts" : options.predicted_matrix;
}

absl::StatusOr<MetricsFiles> OpenFiles(const MetricsOptions& given) {
  MetricsOptions options = given;
  UNLASTING_ASSIGN_OR_RETURN(options.columns.covariates, CovariatesOf(given));
  std::unordered_map<std::string, std::shared_ptr<NormalisedFile>> opened;
  const auto open =
      [&](const std::string& path) -> absl::StatusOr<std::shared_ptr<NormalisedFile>> {
    if (const auto it = opened.find(path); it != opened.end()) return it->second;
    cells::LoadOptions columns = options.columns;
    columns.flags = true;
    columns.require_control = path == options.control || path == options.training;
    UNLASTING_RETURN_IF_ERROR(CheckCellTypeColumn(path, columns.cell_type_column));
    UNLASTING_ASSIGN_OR_RETURN(auto file, NormalisedFile::Open(path, columns));
    return opened[path] = std::move(file);
  };
  cells::LoadOptions predicted_columns = options.columns;
  predicted_columns.require_control = false;
  predicted_columns.predictions = true;
  predicted_columns.flags = true;
  UNLASTING_ASSIGN_OR_RETURN(predicted_columns.matrix, PredictedMatrix(given));
  predicted_columns.library_size_column.clear();
  MetricsFiles files;
  UNLASTING_RETURN_IF_ERROR(
      CheckCellTypeColumn(options.predicted, options.columns.cell_type_column));
  UNLASTING_ASSIGN_OR_RETURN(files.predicted,
                             NormalisedFile::Open(options.predicted, predicted_columns));
  UNLASTING_ASSIGN_OR_RETURN(files.truth, open(options.truth));
  UNLASTING_ASSIGN_OR_RETURN(files.control, open(options.control));
  if (!options.training.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(files.training, open(options.training));
  }
  return files;
}

bool HoldsCounts(const NormalisedFile& file) {
  return file.annotations().kind == cells::MatrixKind::kCounts;
}

double LogSum(const NormalisedFile& file) {
  return HoldsCounts(file) ? 0 : file.scale().target_sum;
}

// To what cells are normalised; 0 where nothing says and no file holds counts.
double TargetSum(const MetricsOptions& options, const MetricsFiles& files) {
  if (options.target_sum > 0) return options.target_sum;
  for (const auto& file : {files.predicted, files.truth, files.control}) {
    if (LogSum(*file) > 0) return LogSum(*file);
  }
  std::vector<double> sums;
  for (const auto& [unused, file] : files.Measured(options)) {
    if (file == files.training.get() && file != files.truth.get() && file != files.control.get()) {
      continue;
    }
    if (!HoldsCounts(*file)) continue;
    sums.insert(sums.end(), file->library_sizes().begin(), file->library_sizes().end());
  }
  if (sums.empty() && !HoldsCounts(*files.predicted) &&
      (files.training == nullptr || !HoldsCounts(*files.training))) {
    return 0;
  }
  return cells::MedianLibrarySize(sums, {});
}

void ChooseTargetSum(const MetricsOptions& options, MetricsFiles* files, std::ostream& err) {
  files->target_sum = TargetSum(options, *files);
  const std::string sum = cells::SumText(files->target_sum);
  auto all = files->Measured(options);
  all.emplace(all.begin(), options.predicted, files->predicted.get());
  for (const auto& [path, file] : all) {
    if (HoldsCounts(*file)) {
      err << path << ": counts, normalised to " << sum << " a cell, then log1p\n";
    } else if (cells::LogConversion(file->scale(), files->target_sum).rescales()) {
      err << path << ": log1p of " << cells::SumText(LogSum(*file)) << " a cell, rescaled to "
          << sum << "\n";
    }
  }
  const cells::ValueRange& range = files->predicted->range();
  if (range.negatives > 0) {
    err << "warning: " << options.predicted << ": " << range.negatives
        << " predicted values lie below 0 (the least " << range.least
        << ") and are scored as they are; clip them at 0 where they mean expression\n";
  }
}

absl::Status MatchGenes(const MetricsOptions& options, MetricsFiles* files, std::ostream& err) {
  const std::vector<std::string>& predicted = files->predicted->annotations().genes;
  files->genes = predicted;
  for (const auto& [path, file] : files->Measured(options)) {
    const auto& found = file->annotations().genes;
    const std::set<std::string> measured(found.begin(), found.end());
    std::vector<std::string> kept, dropped;
    for (const auto& gene : files->genes) {
      (measured.count(gene) > 0 ? kept : dropped).push_back(gene);
    }
    if (kept.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          options.predicted, ": var: found no gene that ", path, " measures, expected 1 or more (",
          Shortened(files->genes), " against ", Shortened(found), ")"));
    }
    if (!dropped.empty()) {
      err << "warning: " << dropped.size() << " of " << predicted.size()
          << " predicted genes left out, " << path
          << " does not measure them: " << Shortened(dropped) << "\n";
    }
    files->genes = std::move(kept);
  }
  return absl::OkStatus();
}

}  // namespace

std::string Shortened(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kNamesShown);
  return absl::StrCat(absl::StrJoin(names.begin(), names.begin() + shown, ", "),
                      names.size() > shown ? ", ..." : "");
}

std::vector<std::pair<std::string, NormalisedFile*>> MetricsFiles::Measured(
    const MetricsOptions& options) const {
  std::vector<std::pair<std::string, NormalisedFile*>> files = {{options.truth, truth.get()}};
  const auto add = [&files](const std::string& path, NormalisedFile* file) {
    for (const auto& [unused, known] : files) {
      if (known == file) return;
    }
    files.emplace_back(path, file);
  };
  add(options.control, control.get());
  if (training != nullptr) add(options.training, training.get());
  return files;
}

std::vector<std::string> MetricsFiles::ReadableGenes() const {
  std::vector<std::string> names = genes;
  for (std::string& name : names) {
    for (const auto& file : {predicted, truth}) {
      const auto& symbols = file->annotations().gene_symbols;
      const auto symbol = symbols.find(name);
      if (symbol == symbols.end()) continue;
      name = symbol->second;
      break;
    }
  }
  return names;
}

absl::StatusOr<MetricsFiles> OpenMetricsFiles(const MetricsOptions& options, std::ostream& err) {
  UNLASTING_ASSIGN_OR_RETURN(MetricsFiles files, OpenFiles(options));
  ChooseTargetSum(options, &files, err);
  UNLASTING_RETURN_IF_ERROR(MatchGenes(options, &files, err));
  return files;
}

}  // namespace unlasting::trainer
