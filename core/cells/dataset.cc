#include "core/cells/dataset.h"

#include <cmath>
#include <set>
#include <unordered_map>

#include "absl/strings/numbers.h"
#include "core/anndata/reader.h"
#include "core/base/dose.h"
#include "core/base/status.h"

namespace unlasting::cells {
namespace {

using anndata::Column;
using anndata::DataFrame;

// A column as text, or NOT_FOUND that lists what there is.
absl::StatusOr<std::vector<std::string>> RequiredColumn(const DataFrame& obs,
                                                        const std::string& name) {
  const Column* column = obs.Find(name);
  if (column == nullptr) {
    std::string found;
    for (const auto& [other, unused] : obs.columns) absl::StrAppend(&found, " ", other);
    return absl::NotFoundError(absl::StrCat("obs has no column '", name, "'; found:", found));
  }
  return anndata::AsStrings(*column);
}

std::vector<std::string> OptionalColumn(const DataFrame& obs, const std::string& name) {
  const Column* column = obs.Find(name);
  return column == nullptr ? std::vector<std::string>() : anndata::AsStrings(*column);
}

absl::Status CheckUnique(const std::vector<std::string>& names, const std::string& what) {
  std::set<std::string> seen;
  for (const auto& name : names) {
    if (!seen.insert(name).second) {
      return absl::InvalidArgumentError(absl::StrCat(what, ": '", name, "' stands there twice"));
    }
  }
  return absl::OkStatus();
}

// Assigns indices to names in order of first appearance.
class Levels {
 public:
  int32_t IndexOf(const std::string& name) {
    const auto [it, added] = index_.emplace(name, static_cast<int32_t>(names_.size()));
    if (added) names_.push_back(name);
    return it->second;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::unordered_map<std::string, int32_t> index_;
  std::vector<std::string> names_;
};

absl::Status ReadConditions(const DataFrame& obs, const LoadOptions& options, Dataset* dataset) {
  UNLASTING_ASSIGN_OR_RETURN(const auto names, RequiredColumn(obs, options.condition_column));
  const auto smiles = OptionalColumn(obs, options.smiles_column);
  const auto doses = OptionalColumn(obs, options.dose_column);
  const auto units = OptionalColumn(obs, options.dose_unit_column);
  Levels levels;
  for (size_t cell = 0; cell < names.size(); ++cell) {
    Condition condition;
    condition.name = names[cell];
    if (condition.name.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("obs column '", options.condition_column,
                                                     "' is empty for cell ",
                                                     dataset->barcodes[cell]));
    }
    condition.control = condition.name == options.control;
    std::string key = condition.name;
    if (!condition.control && !smiles.empty() && !smiles[cell].empty() && smiles[cell] != "nan") {
      condition.smiles = smiles[cell];
      double value = 0;
      if (doses.empty() || !absl::SimpleAtod(doses[cell], &value)) {
        return absl::InvalidArgumentError(
            absl::StrCat("obs column '", options.dose_column, "': expected a dose for the drug '",
                         condition.name, "', found '", doses.empty() ? "" : doses[cell], "'"));
      }
      const auto dose = ToMicromolar(value, units.empty() ? "uM" : units[cell]);
      if (!dose.ok()) return Annotate(dose.status(), "obs column '" + options.dose_column + "'");
      condition.dose_um = *dose;
      key = condition.Key();
    } else if (!condition.control) {
      condition.genes = ParseGenes(condition.name, options.control);
      if (condition.genes.empty()) {
        return absl::InvalidArgumentError(absl::StrCat("obs column '", options.condition_column,
                                                       "': '", condition.name, "' names no gene"));
      }
    }
    const int32_t index = levels.IndexOf(key);
    if (index == static_cast<int32_t>(dataset->conditions.size())) {
      dataset->conditions.push_back(std::move(condition));
    }
    dataset->condition.push_back(index);
  }
  return absl::OkStatus();
}

absl::Status ReadAnnotations(const DataFrame& obs, const LoadOptions& options, Dataset* dataset) {
  UNLASTING_RETURN_IF_ERROR(ReadConditions(obs, options, dataset));
  const auto types = OptionalColumn(obs, options.cell_type_column);
  Levels levels;
  for (int64_t cell = 0; cell < dataset->n_cells(); ++cell) {
    dataset->cell_type.push_back(levels.IndexOf(types.empty() ? "cell" : types[cell]));
  }
  dataset->cell_types = levels.names();
  if (!options.library_size_column.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(const auto sizes, RequiredColumn(obs, options.library_size_column));
    for (const auto& size : sizes) {
      double value = 0;
      if (!absl::SimpleAtod(size, &value) || !(value > 0)) {
        return absl::InvalidArgumentError(absl::StrCat("obs column '", options.library_size_column,
                                                       "': found '", size,
                                                       "', expected counts above 0"));
      }
      dataset->library_size.push_back(value);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckControls(const Dataset& dataset, const LoadOptions& options) {
  if (dataset.n_cells() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("found ", dataset.n_cells(), " cell(s), expected at least 2"));
  }
  if (!options.require_control) return absl::OkStatus();
  for (const auto& condition : dataset.conditions) {
    if (condition.control) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("obs column '", options.condition_column,
                                                 "': no control cells, expected some named '",
                                                 options.control, "'"));
}

absl::StatusOr<Dataset> Load(const std::string& path, const LoadOptions& options) {
  UNLASTING_ASSIGN_OR_RETURN(auto reader, anndata::Reader::Open(path));
  const std::string element = options.layer.empty() ? "X" : "layers/" + options.layer;
  UNLASTING_ASSIGN_OR_RETURN(auto matrix, reader->ReadMatrix(element));
  UNLASTING_ASSIGN_OR_RETURN(const auto obs, reader->ReadObs());
  UNLASTING_ASSIGN_OR_RETURN(const auto var, reader->ReadVar());

  Dataset dataset;
  dataset.values = std::holds_alternative<CsrMatrix>(matrix)
                       ? std::move(std::get<CsrMatrix>(matrix))
                       : ToCsr(std::get<DenseMatrix>(matrix));
  const bool logged = reader->Has("uns/log1p");
  const auto kind = DecideMatrixKind(dataset.values, options.matrix, logged);
  if (!kind.ok()) return Annotate(kind.status(), element);
  dataset.kind = *kind;
  dataset.genes = var.index;
  dataset.barcodes = obs.index;
  UNLASTING_RETURN_IF_ERROR(CheckUnique(dataset.genes, "var gene names"));
  const auto symbols = OptionalColumn(var, "gene_name");
  for (size_t g = 0; g < symbols.size(); ++g) {
    if (!symbols[g].empty() && symbols[g] != dataset.genes[g]) {
      dataset.gene_symbols[dataset.genes[g]] = symbols[g];
    }
  }
  UNLASTING_RETURN_IF_ERROR(ReadAnnotations(obs, options, &dataset));
  UNLASTING_RETURN_IF_ERROR(CheckControls(dataset, options));
  return dataset;
}

}  // namespace

absl::StatusOr<Dataset> LoadDataset(const std::string& path, const LoadOptions& options) {
  auto dataset = Load(path, options);
  // The reader's own errors begin with the path already.
  if (!dataset.ok() && dataset.status().message().find(path) == absl::string_view::npos) {
    return Annotate(dataset.status(), path);
  }
  return dataset;
}

Dataset SelectCells(const Dataset& dataset, const std::vector<int64_t>& cells) {
  Dataset selected = dataset;
  selected.values = SelectRows(dataset.values, cells);
  selected.barcodes.clear();
  selected.cell_type.clear();
  selected.condition.clear();
  selected.library_size.clear();
  for (const int64_t cell : cells) {
    selected.barcodes.push_back(dataset.barcodes[cell]);
    selected.cell_type.push_back(dataset.cell_type[cell]);
    selected.condition.push_back(dataset.condition[cell]);
    if (!dataset.library_size.empty()) selected.library_size.push_back(dataset.library_size[cell]);
  }
  return selected;
}

anndata::AnnData ToAnnData(const Dataset& dataset) {
  anndata::AnnData data;
  data.x = dataset.values;
  data.obs.index = dataset.barcodes;
  data.var.index = dataset.genes;
  anndata::Categorical conditions;
  for (const auto& condition : dataset.conditions) {
    // Two doses of a drug share their name.
    auto& names = conditions.categories;
    if (std::find(names.begin(), names.end(), condition.name) == names.end()) {
      names.push_back(condition.name);
    }
  }
  std::vector<std::string> smiles, units;
  std::vector<double> doses;
  bool any_molecule = false;
  for (const int32_t index : dataset.condition) {
    const Condition& condition = dataset.conditions[index];
    const auto& names = conditions.categories;
    conditions.codes.push_back(static_cast<int32_t>(
        std::find(names.begin(), names.end(), condition.name) - names.begin()));
    smiles.push_back(condition.smiles);
    doses.push_back(condition.dose_um);
    units.push_back("uM");
    any_molecule = any_molecule || condition.molecule();
  }
  data.obs.Set("condition", std::move(conditions));
  data.obs.Set("cell_type", anndata::Categorical{dataset.cell_type, dataset.cell_types, false});
  if (any_molecule) {
    data.obs.Set("SMILES", std::move(smiles));
    data.obs.Set("dose_val", std::move(doses));
    data.obs.Set("dose_unit", std::move(units));
  }
  if (!dataset.library_size.empty()) data.obs.Set("library_size", dataset.library_size);
  if (!dataset.gene_symbols.empty()) {
    std::vector<std::string> symbols;
    for (const auto& gene : dataset.genes) {
      const auto it = dataset.gene_symbols.find(gene);
      symbols.push_back(it == dataset.gene_symbols.end() ? gene : it->second);
    }
    data.var.Set("gene_name", std::move(symbols));
  }
  return data;
}

}  // namespace unlasting::cells
