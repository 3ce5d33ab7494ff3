// Cells' conditions, types and library sizes from obs, genes from var, in every layout.
#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/dose.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/cells/dataset.h"
#include "core/cells/layout.h"
#include "core/cells/perturbation_check.h"
#include "core/cells/stimulus_columns.h"

namespace unlasting::cells {
namespace {

using anndata::Column;
using anndata::DataFrame;
using Strings = std::vector<std::string>;

// A column as text, or NOT_FOUND that lists what there is.
absl::StatusOr<Strings> RequiredColumn(const DataFrame& obs, const std::string& name) {
  const Column* column = obs.Find(name);
  if (column == nullptr) {
    std::string found;
    for (const auto& [other, unused] : obs.columns) absl::StrAppend(&found, " ", other);
    return absl::NotFoundError(absl::StrCat("obs has no column '", name, "'; found:", found));
  }
  return anndata::AsStrings(*column);
}

Strings OptionalColumn(const DataFrame& frame, const std::string& name) {
  const Column* column = name.empty() ? nullptr : frame.Find(name);
  return column == nullptr ? Strings() : anndata::AsStrings(*column);
}

bool Missing(const std::string& value) { return value.empty() || value == "nan"; }

absl::Status CheckUnique(const Strings& names, const std::string& what) {
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
  const Strings& names() const { return names_; }

 private:
  std::unordered_map<std::string, int32_t> index_;
  Strings names_;
};

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
    UNLASTING_ASSIGN_OR_RETURN(reader.names_, RequiredColumn(obs, options.condition_column));
    reader.smiles_ = OptionalColumn(obs, options.smiles_column);
    reader.doses_ = OptionalColumn(obs, options.dose_column);
    reader.units_ = OptionalColumn(obs, options.dose_unit_column);
    UNLASTING_ASSIGN_OR_RETURN(reader.stimuli_, StimulusColumns::Create(obs, options));
    UNLASTING_ASSIGN_OR_RETURN(reader.molecules_, ReadMolecules(options.molecules));
    reader.molecules_.merge(StructuresByName(reader.names_, reader.smiles_));
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
    if (Missing(condition.name)) {
      return absl::InvalidArgumentError(absl::StrCat("obs column '", options_->condition_column,
                                                     "' is empty for cell ", barcode));
    }
    condition.control = condition.name == options_->control;
    if (condition.control && !stimuli_.own_column()) return condition;
    UNLASTING_ASSIGN_OR_RETURN(const bool stimulus, ReadStimulus(cell, barcode, &condition));
    if (stimulus || condition.control) return condition;
    if (!types_.empty() && types_[cell] == "drug") {
      return absl::InvalidArgumentError(
          absl::StrCat("obs column '", options_->condition_column, "': no SMILES for the drug '",
                       condition.name, "', expected a column SMILES or the setting molecules"));
    }
    condition.genes = GenesOf(cell);
    if (condition.genes.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("obs column '", options_->condition_column,
                                                     "': '", condition.name, "' names no gene"));
    }
    // The grammar that the rest of the program and its output speak.
    if (!counts_.empty()) condition.name = absl::StrJoin(condition.genes, "+");
    return condition;
  }

  const std::map<std::string, std::string>& covariate_units() const { return stimuli_.units(); }

 private:
  // A drug or a treatment; false where the cell has neither.
  absl::StatusOr<bool> ReadStimulus(size_t cell, const std::string& barcode,
                                    Condition* condition) const {
    if (!condition->control) condition->smiles = SmilesOf(cell);
    const std::string treatment =
        stimuli_.TreatmentOf(cell, condition->name, !condition->smiles.empty());
    if (!treatment.empty()) {
      condition->name = treatment;
      condition->smiles.clear();
      condition->treatment = true;
      condition->control = false;
    } else if (!condition->smiles.empty()) {
      UNLASTING_ASSIGN_OR_RETURN(condition->dose_um, DoseOf(cell, barcode));
      if (condition->dose_um == 0) {
        // A drug's vehicle; anndata::Warn says so once.
        *condition = Condition();
        condition->name = options_->control;
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
    if (!smiles_.empty() && !Missing(smiles_[cell])) return smiles_[cell];
    const auto known = molecules_.find(names_[cell]);
    return known == molecules_.end() ? "" : known->second;
  }

  // Micromolar; 0 for a dose of 0.
  absl::StatusOr<double> DoseOf(size_t cell, const std::string& barcode) const {
    double value = 0;
    if (doses_.empty() || !absl::SimpleAtod(doses_[cell], &value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("obs column '", options_->dose_column, "': expected a dose for the drug '",
                       names_[cell], "', found '", doses_.empty() ? "" : doses_[cell], "'"));
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
    Strings genes = ScPerturbGenes(names_[cell], static_cast<int64_t>(count), measured_);
    genes.erase(std::remove(genes.begin(), genes.end(), options_->control), genes.end());
    return genes;
  }

  const LoadOptions* options_ = nullptr;
  Strings names_, smiles_, doses_, units_, types_, counts_;
  Strings measured_;  // sorted
  StimulusColumns stimuli_;
  std::map<std::string, std::string> molecules_;
};

absl::Status ReadConditions(const DataFrame& obs, const LoadOptions& options, Dataset* dataset) {
  UNLASTING_ASSIGN_OR_RETURN(const auto reader, ConditionReader::Create(obs, options, *dataset));
  Levels levels;
  for (size_t cell = 0; cell < dataset->barcodes.size(); ++cell) {
    UNLASTING_ASSIGN_OR_RETURN(auto condition, reader.Read(cell, dataset->barcodes[cell]));
    const int32_t index = levels.IndexOf(condition.Key());
    if (index == static_cast<int32_t>(dataset->conditions.size())) {
      dataset->conditions.push_back(std::move(condition));
    }
    dataset->condition.push_back(index);
  }
  dataset->covariate_units = reader.covariate_units();
  return absl::OkStatus();
}

// A column without a single value says as little as none.
absl::Status ReadCellTypes(const DataFrame& obs, const std::string& column, Dataset* dataset) {
  Strings types = OptionalColumn(obs, column);
  if (std::all_of(types.begin(), types.end(), Missing)) types.clear();
  Levels levels;
  for (int64_t cell = 0; cell < dataset->n_cells(); ++cell) {
    if (!types.empty() && Missing(types[cell])) {
      return absl::InvalidArgumentError(
          absl::StrCat("obs column '", column, "' is empty for cell ", dataset->barcodes[cell]));
    }
    dataset->cell_type.push_back(levels.IndexOf(types.empty() ? "cell" : types[cell]));
  }
  dataset->cell_types = levels.names();
  return absl::OkStatus();
}

absl::Status ReadLibrarySizes(const DataFrame& obs, const std::string& column, Dataset* dataset) {
  if (column.empty()) return absl::OkStatus();
  UNLASTING_ASSIGN_OR_RETURN(const auto sizes, RequiredColumn(obs, column));
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

absl::Status ReadGenes(const DataFrame& var, Dataset* dataset) {
  dataset->genes = var.index;
  UNLASTING_RETURN_IF_ERROR(CheckUnique(dataset->genes, "var gene names"));
  const auto symbols = OptionalColumn(var, SymbolColumn(var));
  for (size_t g = 0; g < symbols.size(); ++g) {
    if (!Missing(symbols[g]) && symbols[g] != dataset->genes[g]) {
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
  UNLASTING_RETURN_IF_ERROR(ReadConditions(obs, options, &dataset));
  if (options.check_perturbations) {
    UNLASTING_RETURN_IF_ERROR(CheckPerturbations(reader->path(), obs, options, &dataset));
  }
  UNLASTING_RETURN_IF_ERROR(ReadCellTypes(obs, options.cell_type_column, &dataset));
  UNLASTING_RETURN_IF_ERROR(ReadLibrarySizes(obs, options.library_size_column, &dataset));
  if (!options.split_column.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(dataset.split_label, RequiredColumn(obs, options.split_column));
  }
  UNLASTING_RETURN_IF_ERROR(CheckControls(dataset, options));
  return dataset;
}

}  // namespace unlasting::cells
