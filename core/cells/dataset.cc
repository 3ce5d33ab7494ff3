#include "core/cells/dataset.h"

#include <algorithm>
#include <limits>
#include <set>

namespace unlasting::cells {
Dataset SelectCells(const Dataset& dataset, const std::vector<int64_t>& cells) {
  Dataset selected;
  selected.values = SelectRows(dataset.values, cells);
  selected.kind = dataset.kind;
  selected.genes = dataset.genes;
  selected.gene_symbols = dataset.gene_symbols;
  selected.cell_types = dataset.cell_types;
  selected.conditions = dataset.conditions;
  selected.layout = dataset.layout;
  selected.covariate_units = dataset.covariate_units;
  for (const int64_t cell : cells) {
    selected.barcodes.push_back(dataset.barcodes[cell]);
    selected.cell_type.push_back(dataset.cell_type[cell]);
    selected.condition.push_back(dataset.condition[cell]);
    if (!dataset.library_size.empty()) selected.library_size.push_back(dataset.library_size[cell]);
    if (!dataset.split_label.empty()) selected.split_label.push_back(dataset.split_label[cell]);
  }
  return selected;
}

namespace {

// A column of the treatments and one of each covariate, where there are any.
void AddTreatments(const Dataset& dataset, anndata::AnnData* data) {
  std::set<std::string> covariates;
  bool any_treatment = false;
  for (const auto& condition : dataset.conditions) {
    any_treatment = any_treatment || condition.treatment;
    for (const auto& [name, unused] : condition.covariates) covariates.insert(name);
  }
  if (any_treatment) {
    std::vector<std::string> treatments;
    for (const int32_t index : dataset.condition) {
      const Condition& condition = dataset.conditions[index];
      treatments.push_back(condition.treatment ? condition.name : "");
    }
    data->obs.Set("treatment", std::move(treatments));
  }
  for (const auto& name : covariates) {
    std::vector<double> values;
    for (const int32_t index : dataset.condition) {
      const auto& own = dataset.conditions[index].covariates;
      const auto value = own.find(name);
      values.push_back(value == own.end() ? std::numeric_limits<double>::quiet_NaN()
                                          : value->second);
    }
    data->obs.Set(name, std::move(values));
  }
}

}  // namespace

anndata::AnnData ToAnnData(const Dataset& dataset) {
  anndata::AnnData data;
  data.x = dataset.values;
  data.obs.index = dataset.barcodes;
  data.var.index = dataset.genes;
  anndata::Categorical conditions;
  std::vector<int32_t> codes;
  std::map<std::string, int32_t> known;
  for (const auto& condition : dataset.conditions) {
    // Two doses of a drug share their name.
    auto& names = conditions.categories;
    const auto next = static_cast<int32_t>(names.size());
    const auto [it, added] = known.emplace(condition.name, next);
    if (added) names.push_back(condition.name);
    codes.push_back(it->second);
  }
  std::vector<std::string> smiles, units;
  std::vector<double> doses;
  bool any_molecule = false;
  for (const int32_t index : dataset.condition) {
    const Condition& condition = dataset.conditions[index];
    conditions.codes.push_back(codes[index]);
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
  AddTreatments(dataset, &data);
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
