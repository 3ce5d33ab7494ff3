// Cells' conditions from obs, in every layout and spelling.
#include "core/cells/condition_reader.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/anndata/warnings.h"
#include "core/base/dose.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/cells/labels.h"
#include "core/cells/layout.h"
#include "core/cells/obs_columns.h"
#include "core/cells/stimulus_columns.h"

namespace unlasting::cells {
namespace {

using anndata::DataFrame;
using Strings = std::vector<std::string>;

// drug -> SMILES, by the columns that the header names.
absl::StatusOr<std::map<std::string, std::string>> ReadMolecules(const std::string& path) {
  std::map<std::string, std::string> molecules;
  if (path.empty()) return molecules;
  UNLASTING_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  int64_t drug = -1, smiles = -1, number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripSuffix(line, "\r");
    if (line.empty()) continue;
    const Strings fields = absl::StrSplit(line, '\t');
    if (drug < 0) {
      for (size_t k = 0; k < fields.size(); ++k) {
        if (fields[k] == "drug") drug = static_cast<int64_t>(k);
        if (fields[k] == "SMILES") smiles = static_cast<int64_t>(k);
      }
      if (drug < 0 || smiles < 0) {
        return absl::InvalidArgumentError(absl::StrCat("molecules: ", path, ": found the header '",
                                                       line, "', expected drug and SMILES"));
      }
      continue;
    }
    if (static_cast<int64_t>(fields.size()) <= std::max(drug, smiles)) {
      return absl::InvalidArgumentError(absl::StrCat("molecules: ", path, ": line ", number,
                                                     ": found ", fields.size(), " fields"));
    }
    molecules[fields[drug]] = fields[smiles];
  }
  return molecules;
}

// Turns the rows of obs into conditions.
class ConditionReader {
 public:
  static absl::StatusOr<ConditionReader> Create(const DataFrame& obs, const LoadOptions& options,
                                                const Dataset& dataset) {
    ConditionReader reader;
    reader.options_ = &options;
    UNLASTING_ASSIGN_OR_RETURN(
        reader.names_, RequiredColumn(obs, options.condition_column, Wanted::kCondition, options));
    reader.counts_by_name_ = CountLabels(reader.names_);
    auto controls = FindControlLabels(reader.counts_by_name_, options.control);
    if (!controls.ok()) {
      return Annotate(controls.status(), "obs column '" + options.condition_column + "'");
    }
    reader.controls_ = *std::move(controls);
    reader.smiles_ = OptionalColumn(obs, options.smiles_column);
    reader.doses_ = OptionalColumn(obs, options.dose_column);
    reader.units_ = OptionalColumn(obs, options.dose_unit_column);
    for (const auto& alike : LookAlikes(obs, Wanted::kDose, options.dose_column)) {
      absl::StrAppend(&reader.dose_hint_, reader.dose_hint_.empty() ? "; use " : " or ",
                      HowToName(options, Wanted::kDose, alike));
    }
    UNLASTING_ASSIGN_OR_RETURN(reader.molecules_, ReadMolecules(options.molecules));
    reader.molecules_.merge(StructuresByName(reader.names_, reader.smiles_));
    UNLASTING_ASSIGN_OR_RETURN(reader.stimuli_, StimulusColumns::Create(obs, options));
    if (options.layout == "scperturb") {
      reader.types_ = OptionalColumn(obs, "perturbation_type");
      reader.counts_ = OptionalColumn(obs, "nperts");
      reader.measured_ = dataset.genes;
      for (const auto& [gene, symbol] : dataset.gene_symbols) reader.measured_.push_back(symbol);
      std::sort(reader.measured_.begin(), reader.measured_.end());
    }
    return reader;
  }

  absl::StatusOr<Condition> Read(size_t cell, const std::string& barcode) const {
    Condition condition;
    condition.name = names_[cell];
    condition.control = controls_.labels.count(condition.name) > 0;
    if (condition.control && !stimuli_.own_column()) return Control();
    if (!IsMissing(condition.name)) {
      UNLASTING_ASSIGN_OR_RETURN(const bool stimulus, ReadStimulus(cell, barcode, &condition));
      if (stimulus) return condition.control ? Control() : condition;
    }
    if (condition.control) return Control();
    if (IsMissing(condition.name)) {
      return MissingValue(
          options_->condition_column, names_, cell, barcode,
          absl::StrCat("remove such cells, or where they are the control cells ",
                       condition.name.empty()
                           ? absl::StrCat("name them '", options_->control, "'")
                           : absl::StrCat(options_->flags ? "use --control-value " : "set control=",
                                          condition.name)));
    }
    if (!types_.empty() && types_[cell] == "drug") {
      return absl::InvalidArgumentError(
          absl::StrCat("obs column '", options_->condition_column, "': no SMILES for the drug '",
                       condition.name, "', expected a column SMILES or the setting molecules"));
    }
    condition.genes = GenesOf(cell);
    if (condition.genes.empty()) {
      // ctrl+ctrl, or two non-targeting guides in a cell.
      if (condition.name.find('+') != std::string::npos) return Control();
      return absl::InvalidArgumentError(
          absl::StrCat("obs column '", options_->condition_column, "': '", condition.name,
                       "' names no gene; where it is a control too, ",
                       options_->flags ? "use --control-value " : "set control=", options_->control,
                       ",", condition.name));
    }
    // The grammar that the rest of the program and its output speak.
    if (!counts_.empty()) condition.name = absl::StrJoin(condition.genes, "+");
    // Predictions and truths are compared by all that tells conditions apart; training has no
    // covariates of knockouts.
    if (!options_->check_perturbations) stimuli_.ReadWhatThereIs(cell, &condition);
    return condition;
  }

  const ControlLabels& controls() const { return controls_; }
  // Trimmed, with their numbers of cells.
  const std::map<std::string, int64_t>& counts_by_name() const { return counts_by_name_; }
  const std::map<std::string, std::string>& covariate_units() const { return stimuli_.units(); }

 private:
  // All controls are one condition, whatever their labels.
  Condition Control() const {
    Condition control;
    control.name = controls_.name.empty() ? options_->control : controls_.name;
    control.control = true;
    return control;
  }

  // A drug or a treatment, or a drug's vehicle, which is a control; false where the cell has none.
  absl::StatusOr<bool> ReadStimulus(size_t cell, const std::string& barcode,
                                    Condition* condition) const {
    if (!condition->control) condition->smiles = SmilesOf(cell);
    const std::string treatment =
        stimuli_.TreatmentOf(cell, condition->name, !condition->smiles.empty());
    if (!treatment.empty() && controls_.labels.count(treatment) == 0) {
      condition->name = treatment;
      condition->smiles.clear();
      condition->treatment = true;
      condition->control = false;
    } else if (!condition->smiles.empty()) {
      UNLASTING_ASSIGN_OR_RETURN(condition->dose_um, DoseOf(cell, barcode));
      if (condition->dose_um == 0) {
        condition->control = true;
        return true;
      }
    } else {
      return false;
    }
    UNLASTING_RETURN_IF_ERROR(stimuli_.ReadCovariates(cell, barcode, condition));
    return true;
  }

  std::string SmilesOf(size_t cell) const {
    if (!smiles_.empty() && !IsMissing(smiles_[cell])) return smiles_[cell];
    const auto known = molecules_.find(names_[cell]);
    return known == molecules_.end() ? "" : known->second;
  }

  // Micromolar; 0 for a dose of 0.
  absl::StatusOr<double> DoseOf(size_t cell, const std::string& barcode) const {
    double value = 0;
    if (doses_.empty() || !absl::SimpleAtod(doses_[cell], &value)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "obs column '", options_->dose_column, "': expected a dose for the drug '", names_[cell],
          "', found '", doses_.empty() ? "" : doses_[cell], "'", doses_.empty() ? dose_hint_ : ""));
    }
    if (value == 0) return 0.0;
    const auto dose = ToMicromolar(value, units_.empty() ? options_->dose_unit : units_[cell]);
    if (!dose.ok()) {
      return Annotate(dose.status(), absl::StrCat("obs column '", options_->dose_column,
                                                  "': drug '", names_[cell], "', cell ", barcode));
    }
    return *dose;
  }

  Strings GenesOf(size_t cell) const {
    if (options_->layout != "scperturb") return ParseGenes(names_[cell], options_->control);
    double count = 0;
    if (counts_.empty() || !absl::SimpleAtod(counts_[cell], &count) || !(count < 1000)) count = 0;
    return ParseGenes(
        absl::StrJoin(ScPerturbGenes(names_[cell], static_cast<int64_t>(count), measured_), "+"),
        options_->control);
  }

  const LoadOptions* options_ = nullptr;
  Strings names_, smiles_, doses_, units_, types_, counts_;
  std::string dose_hint_;
  Strings measured_;  // sorted
  std::map<std::string, std::string> molecules_;
  std::map<std::string, int64_t> counts_by_name_;
  ControlLabels controls_;
  StimulusColumns stimuli_;
};

// Of several spellings of one condition that of most cells, of equally frequent ones the first in
// order: it does not depend on the order of the cells.
class Spellings {
 public:
  void Add(int32_t condition, const std::string& name) {
    if (condition == static_cast<int32_t>(cells_.size())) cells_.emplace_back();
    ++cells_[condition][name];
  }
  std::string MostFrequent(int32_t condition) const {
    const auto& cells = cells_[condition];
    return std::max_element(cells.begin(), cells.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
  }

 private:
  std::vector<std::map<std::string, int64_t>> cells_;
};

absl::Status CheckControls(const DataFrame& obs, const Dataset& dataset, const LoadOptions& options,
                           const std::map<std::string, int64_t>& counts) {
  for (const auto& condition : dataset.conditions) {
    if (condition.control) return absl::OkStatus();
  }
  // Another column may be the one that says what was done to the cells.
  std::string others;
  for (const auto& alike : LookAlikes(obs, Wanted::kCondition, options.condition_column)) {
    absl::StrAppend(&others, ", or ", HowToName(options, Wanted::kCondition, alike));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "obs column '", options.condition_column, "': no control cells, expected some named '",
      options.control, "'; found ", ListLabels(counts), "; say which are the controls by ",
      options.flags ? "--control-value" : "--set control=", others));
}

}  // namespace

std::vector<std::string> OptionalColumn(const DataFrame& frame, const std::string& name) {
  const anndata::Column* column = name.empty() ? nullptr : frame.Find(name);
  return column == nullptr ? Strings() : TrimLabels(anndata::AsStrings(*column));
}

absl::Status MissingValue(const std::string& column, const Strings& values, size_t cell,
                          const std::string& barcode, const std::string& remedy) {
  const auto others = std::count_if(values.begin(), values.end(), IsMissing) - 1;
  return absl::InvalidArgumentError(
      absl::StrCat("obs column '", column, "' is empty for cell ", barcode,
                   values[cell].empty() ? "" : absl::StrCat(" (found '", values[cell], "')"),
                   others > 0 ? absl::StrCat(" and ", others, " more") : "", "; ", remedy));
}

absl::Status ReadConditions(const std::string& path, const DataFrame& obs,
                            const LoadOptions& options, Dataset* dataset) {
  UNLASTING_ASSIGN_OR_RETURN(const auto reader, ConditionReader::Create(obs, options, *dataset));
  Levels levels;
  Spellings spellings;
  for (size_t cell = 0; cell < dataset->barcodes.size(); ++cell) {
    UNLASTING_ASSIGN_OR_RETURN(auto condition, reader.Read(cell, dataset->barcodes[cell]));
    const int32_t index = levels.IndexOf(condition.control ? "" : condition.Identity());
    spellings.Add(index, condition.name);
    if (index == static_cast<int32_t>(dataset->conditions.size())) {
      dataset->conditions.push_back(std::move(condition));
    }
    dataset->condition.push_back(index);
  }
  for (size_t k = 0; k < dataset->conditions.size(); ++k) {
    dataset->conditions[k].name = spellings.MostFrequent(static_cast<int32_t>(k));
  }
  dataset->covariate_units = reader.covariate_units();
  if (!options.require_control) return absl::OkStatus();
  for (const auto& remark : reader.controls().remarks) {
    anndata::Warn(path, absl::StrCat("obs column '", options.condition_column, "': ", remark));
  }
  return CheckControls(obs, *dataset, options, reader.counts_by_name());
}

}  // namespace unlasting::cells
