#include "core/cells/stimulus_columns.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status.h"
#include "core/cells/labels.h"

namespace unlasting::cells {
namespace {

using Strings = std::vector<std::string>;

absl::StatusOr<Strings> TextColumn(const anndata::DataFrame& obs, const std::string& name,
                                   const std::string& setting) {
  const anndata::Column* column = obs.Find(name);
  if (column == nullptr) {
    Strings found;
    for (const auto& [other, unused] : obs.columns) found.push_back(other);
    return absl::NotFoundError(absl::StrCat("obs has no column '", name, "' (setting ", setting,
                                            "); found: ", absl::StrJoin(found, " ")));
  }
  return TrimLabels(anndata::AsStrings(*column));
}

// "6", "6h", "6 hours": the number and what stands behind it.
bool SplitNumber(const std::string& text, double* value, std::string* unit) {
  size_t end = text.size();
  while (end > 0 && (absl::ascii_isalpha(text[end - 1]) || text[end - 1] == '/' ||
                     text[end - 1] == '%' || text[end - 1] == ' ')) {
    --end;
  }
  *unit = std::string(absl::StripAsciiWhitespace(text.substr(end)));
  return absl::SimpleAtod(text.substr(0, end), value) && std::isfinite(*value);
}

}  // namespace

std::map<std::string, std::string> StructuresByName(const Strings& names, const Strings& smiles) {
  std::map<std::string, std::map<std::string, int64_t>> cells;
  for (size_t cell = 0; cell < smiles.size() && cell < names.size(); ++cell) {
    if (!IsMissing(smiles[cell])) ++cells[names[cell]][smiles[cell]];
  }
  std::map<std::string, std::string> structures;
  for (const auto& [name, spellings] : cells) {
    structures[name] =
        std::max_element(spellings.begin(), spellings.end(), [](const auto& a, const auto& b) {
          return a.second < b.second;
        })->first;
  }
  return structures;
}

absl::StatusOr<StimulusColumns> StimulusColumns::Create(const anndata::DataFrame& obs,
                                                        const LoadOptions& options) {
  StimulusColumns columns;
  columns.options_ = &options;
  if (!options.treatment_column.empty()) {
    columns.own_column_ = options.treatment_column != options.condition_column;
    UNLASTING_ASSIGN_OR_RETURN(columns.treatments_,
                               TextColumn(obs, options.treatment_column, "treatment_column"));
  }
  if (!options.treatments.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(const Strings labels,
                               TextColumn(obs, options.condition_column, "condition_column"));
    const std::set<std::string> known(labels.begin(), labels.end());
    for (const auto& treatment : options.treatments) {
      if (known.count(treatment) > 0) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "treatments: obs column '", options.condition_column, "' has no label '", treatment,
          "'; found ",
          absl::StrJoin(known.begin(), std::next(known.begin(), std::min<size_t>(known.size(), 10)),
                        ", "),
          known.size() > 10 ? ", ..." : ""));
    }
  }
  for (const auto& name : options.covariates) {
    UNLASTING_ASSIGN_OR_RETURN(Strings values, TextColumn(obs, name, "covariates"));
    std::set<std::string> units;
    for (const auto& value : values) {
      double number = 0;
      std::string unit;
      if (!IsMissing(value) && SplitNumber(value, &number, &unit)) units.insert(unit);
    }
    if (units.size() > 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("obs column '", name, "': found numbers in several units ('",
                       absl::StrJoin(units, "', '"), "'), expected one unit in all cells"));
    }
    if (!units.empty() && !units.begin()->empty()) columns.units_[name] = *units.begin();
    columns.covariates_.push_back({name, std::move(values)});
  }
  return columns;
}

std::string StimulusColumns::TreatmentOf(size_t cell, const std::string& label,
                                         bool has_structure) const {
  const auto& listed = options_->treatments;
  if (std::find(listed.begin(), listed.end(), label) != listed.end()) return label;
  if (treatments_.empty() || has_structure) return "";
  const std::string& name = treatments_[cell];
  return IsMissing(name) || name == options_->control ? "" : name;
}

absl::Status StimulusColumns::ReadCovariates(size_t cell, const std::string& barcode,
                                             Condition* condition) const {
  for (const Column& column : covariates_) {
    double value = 0;
    std::string unit;
    if (IsMissing(column.values[cell]) || !SplitNumber(column.values[cell], &value, &unit)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "obs column '", column.name, "': found '", column.values[cell], "' for cell ", barcode,
          " ('", condition->name, "'), expected a number for each cell of a drug or a treatment"));
    }
    condition->covariates[column.name] = value;
  }
  return absl::OkStatus();
}

void StimulusColumns::ReadWhatThereIs(size_t cell, Condition* condition) const {
  for (const Column& column : covariates_) {
    double value = 0;
    std::string unit;
    if (IsMissing(column.values[cell]) || !SplitNumber(column.values[cell], &value, &unit))
      continue;
    condition->covariates[column.name] = value;
  }
}

}  // namespace unlasting::cells
