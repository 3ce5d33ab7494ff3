#include "core/cells/layout.h"

#include <algorithm>

#include "absl/strings/str_split.h"
#include "core/anndata/layout.h"
#include "core/base/status.h"
#include "core/cells/labels.h"

namespace unlasting::cells {
namespace {

using anndata::DataFrame;
using anndata::Layout;

// Sets `column`, where it stands at `fallback`, to the first candidate that obs has.
void Prefer(const DataFrame& obs, const std::string& fallback,
            std::initializer_list<const char*> candidates, std::string* column) {
  if (*column != fallback) return;
  for (const char* candidate : candidates) {
    if (obs.Find(candidate) == nullptr) continue;
    *column = candidate;
    return;
  }
}

bool Holds(const DataFrame& obs, const std::string& column, const std::string& value) {
  const auto* found = obs.Find(column);
  if (found == nullptr) return false;
  if (const auto* categorical = std::get_if<anndata::Categorical>(found)) {
    const auto levels = TrimLabels(categorical->categories);
    return std::find(levels.begin(), levels.end(), value) != levels.end();
  }
  const auto values = TrimLabels(anndata::AsStrings(*found));
  return std::find(values.begin(), values.end(), value) != values.end();
}

// Both publishers write `control` where GEARS writes `ctrl`.
void PreferControl(const DataFrame& obs, LoadOptions* options) {
  if (options->control != LoadOptions().control) return;
  const auto holds = [&](const std::string& name) {
    return Holds(obs, options->condition_column, name);
  };
  if (!holds(options->control) && holds("control")) options->control = "control";
}

absl::Status ResolveChemCpa(const DataFrame& obs, LoadOptions* options) {
  PreferControl(obs, options);
  const bool units = obs.Find(options->dose_unit_column) != nullptr;
  if (!units && options->dose_column == LoadOptions().dose_column && obs.Find("dose") != nullptr) {
    // Its dose_val is the share of the largest dose; `dose` is nanomolar.
    options->dose_column = "dose";
    if (options->dose_unit.empty()) options->dose_unit = "nM";
  }
  if (!units && options->dose_unit.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "obs column '", options->dose_column,
        "': found no unit, expected a column 'dose_unit' or the setting dose_unit (nM, uM, mM)"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LoadOptions> ResolveLayout(const DataFrame& obs, const DataFrame& var,
                                          LoadOptions options) {
  const LoadOptions defaults;
  Layout layout = anndata::GuessLayout(obs, var);
  if (options.layout != "auto") {
    UNLASTING_ASSIGN_OR_RETURN(layout, anndata::ParseLayout(options.layout));
  }
  options.layout = anndata::LayoutName(layout);
  switch (layout) {
    case Layout::kPlain:
      break;
    case Layout::kGears:
      // Knockouts only; its dose_val is "1+1".
      if (options.smiles_column == defaults.smiles_column) options.smiles_column.clear();
      break;
    case Layout::kScPerturb:
      Prefer(obs, defaults.condition_column, {"perturbation"}, &options.condition_column);
      Prefer(obs, defaults.cell_type_column, {"cell_type", "celltype", "cell_line"},
             &options.cell_type_column);
      Prefer(obs, defaults.smiles_column, {"SMILES", "smiles"}, &options.smiles_column);
      Prefer(obs, defaults.dose_column, {"dose_value", "dose_val"}, &options.dose_column);
      PreferControl(obs, &options);
      break;
    case Layout::kChemCpa:
      UNLASTING_RETURN_IF_ERROR(ResolveChemCpa(obs, &options));
      break;
  }
  if (options.dose_unit.empty()) options.dose_unit = "uM";
  return options;
}

std::string SymbolColumn(const DataFrame& var) {
  for (const char* name :
       {"gene_name", "gene_short_name", "gene_symbol", "gene_symbols", "feature_name", "symbol"}) {
    if (var.Find(name) != nullptr) return name;
  }
  return "";
}

std::vector<std::string> ScPerturbGenes(const std::string& name, int64_t count,
                                        const std::vector<std::string>& sorted_measured) {
  const auto measured = [&](const std::string& gene) {
    return std::binary_search(sorted_measured.begin(), sorted_measured.end(), gene);
  };
  const std::vector<std::string> plus = absl::StrSplit(name, '+', absl::SkipWhitespace());
  if (plus.size() > 1) return plus;
  const std::vector<std::string> parts = absl::StrSplit(name, '_', absl::SkipEmpty());
  if (count > 1 && static_cast<int64_t>(parts.size()) == count) return parts;
  if (measured(name) || parts.empty() || !measured(parts[0])) return {name};
  return {parts[0]};
}

}  // namespace unlasting::cells
