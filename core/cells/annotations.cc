// Cells' types and library sizes from obs, genes from var; conditions are condition_reader.h's.
#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "core/base/status.h"
#include "core/cells/condition_reader.h"
#include "core/cells/dataset.h"
#include "core/cells/labels.h"
#include "core/cells/layout.h"
#include "core/cells/obs_columns.h"
#include "core/cells/perturbation_check.h"

namespace unlasting::cells {
namespace {

using anndata::Column;
using anndata::DataFrame;
using Strings = std::vector<std::string>;

absl::Status CheckUnique(const Strings& names, const std::string& what) {
  std::set<std::string> seen;
  for (const auto& name : names) {
    if (!seen.insert(name).second) {
      return absl::InvalidArgumentError(absl::StrCat(what, ": '", name, "' stands there twice"));
    }
  }
  return absl::OkStatus();
}

// A column without a single value says as little as none.
absl::Status ReadCellTypes(const DataFrame& obs, const std::string& column, Dataset* dataset) {
  Strings types = OptionalColumn(obs, column);
  if (std::all_of(types.begin(), types.end(), IsMissing)) types.clear();
  Levels levels;
  for (int64_t cell = 0; cell < dataset->n_cells(); ++cell) {
    if (!types.empty() && IsMissing(types[cell])) {
      return MissingValue(column, types, cell, dataset->barcodes[cell],
                          "remove such cells, or name their type");
    }
    dataset->cell_type.push_back(levels.IndexOf(types.empty() ? "cell" : types[cell]));
  }
  dataset->cell_types = levels.names();
  return absl::OkStatus();
}

absl::Status ReadLibrarySizes(const DataFrame& obs, const LoadOptions& options, Dataset* dataset) {
  const std::string& column = options.library_size_column;
  if (column.empty()) return absl::OkStatus();
  UNLASTING_ASSIGN_OR_RETURN(const auto sizes,
                             RequiredColumn(obs, column, Wanted::kLibrarySize, options));
  for (const auto& size : sizes) {
    double value = 0;
    if (!absl::SimpleAtod(size, &value) || !(value > 0) || !std::isfinite(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("obs column '", column, "': found '", size, "', expected counts above 0"));
    }
    dataset->library_size.push_back(value);
  }
  return absl::OkStatus();
}

// Columns that stand at their defaults and are absent, while others look like them.
absl::Status CheckColumns(const DataFrame& obs, const LoadOptions& given,
                          const LoadOptions& resolved) {
  const LoadOptions defaults;
  if (given.cell_type_column == defaults.cell_type_column) {
    UNLASTING_RETURN_IF_ERROR(
        CheckNoneIsIgnored(obs, resolved.cell_type_column, Wanted::kCellType, given));
  }
  // A layout of knockouts has no structures, and a table of drugs brings its own.
  if (resolved.smiles_column == defaults.smiles_column && given.molecules.empty()) {
    return CheckNoneIsIgnored(obs, resolved.smiles_column, Wanted::kSmiles, given);
  }
  return absl::OkStatus();
}

absl::StatusOr<Strings> SplitLabels(const DataFrame& obs, const std::string& name) {
  const Column* column = obs.Find(name);
  if (column != nullptr) return TrimLabels(anndata::AsStrings(*column));
  Strings names;
  for (const auto& [other, unused] : obs.columns) names.push_back(other);
  return absl::NotFoundError(absl::StrCat("obs has no column '", name,
                                          "' (split_column); found: ", absl::StrJoin(names, " ")));
}

absl::Status ReadGenes(const DataFrame& var, Dataset* dataset) {
  dataset->genes = var.index;
  UNLASTING_RETURN_IF_ERROR(CheckUnique(dataset->genes, "var gene names"));
  const auto symbols = OptionalColumn(var, SymbolColumn(var));
  for (size_t g = 0; g < symbols.size(); ++g) {
    if (!IsMissing(symbols[g]) && symbols[g] != dataset->genes[g]) {
      dataset->gene_symbols[dataset->genes[g]] = symbols[g];
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string MatrixElement(const LoadOptions& options) {
  if (options.layer.empty()) return "X";
  return options.layer == "raw" ? "raw/X" : "layers/" + options.layer;
}

absl::StatusOr<Dataset> ReadAnnotations(anndata::Reader* reader, const LoadOptions& given) {
  UNLASTING_ASSIGN_OR_RETURN(const auto obs, reader->ReadObs());
  UNLASTING_ASSIGN_OR_RETURN(const auto var,
                             given.layer == "raw" ? reader->ReadRawVar() : reader->ReadVar());
  UNLASTING_ASSIGN_OR_RETURN(const LoadOptions options, ResolveLayout(obs, var, given));
  UNLASTING_ASSIGN_OR_RETURN(const auto shape, reader->MatrixShape(MatrixElement(options)));
  if (shape.second != static_cast<int64_t>(var.index.size())) {
    return absl::InvalidArgumentError(absl::StrCat(MatrixElement(options), ": found ", shape.second,
                                                   " columns, expected ", var.index.size()));
  }
  Dataset dataset;
  dataset.layout = options.layout;
  dataset.values.rows = shape.first;
  dataset.values.cols = shape.second;
  dataset.values.indptr.assign(shape.first + 1, 0);
  dataset.barcodes = obs.index;
  UNLASTING_RETURN_IF_ERROR(ReadGenes(var, &dataset));
  if (dataset.n_cells() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("found ", dataset.n_cells(), " cell(s), expected at least 2"));
  }
  UNLASTING_RETURN_IF_ERROR(CheckColumns(obs, given, options));
  UNLASTING_RETURN_IF_ERROR(ReadConditions(reader->path(), obs, options, &dataset));
  if (options.check_perturbations) {
    UNLASTING_RETURN_IF_ERROR(CheckPerturbations(reader->path(), obs, options, &dataset));
  }
  UNLASTING_RETURN_IF_ERROR(ReadCellTypes(obs, options.cell_type_column, &dataset));
  WarnOfClusters(reader->path(), obs, options);
  UNLASTING_RETURN_IF_ERROR(ReadLibrarySizes(obs, options, &dataset));
  if (!options.split_column.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(dataset.split_label, SplitLabels(obs, options.split_column));
  }
  return dataset;
}

}  // namespace unlasting::cells
