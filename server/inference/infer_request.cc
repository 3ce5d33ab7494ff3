#include "server/inference/infer_request.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/status.h"
#include "core/cells/labels.h"
#include "server/inference/infer_parameters.h"
#include "server/inference/input_tensors.h"

namespace unlasting::server {
namespace {

constexpr char kKnockout[] = "knockout";
constexpr char kSmiles[] = "smiles";
constexpr char kDose[] = "dose_um";
constexpr char kTreatment[] = "treatment";
constexpr char kMaxPerturbations[] = "limits.max_perturbations of the server";
constexpr char kMaxCells[] = "limits.max_cells of the server";
// What a covariate of one perturbation takes beside its name, which each perturbation repeats.
constexpr int64_t kCovariateBytes = 128;

// The number that a caller wrote where a float holds the nearest to it: 0.2, not 0.200000003, so
// that a dose is the same as in a request of the API.
double AsWritten(float value) {
  char text[32];
  const auto end = std::to_chars(std::begin(text), std::end(text), value);
  double number = value;
  return absl::SimpleAtod({text, static_cast<size_t>(end.ptr - text)}, &number) ? number : value;
}

// The genes of "STAT1", "STAT1+JAK2" or, as the field writes one gene, "STAT1+ctrl", in their
// order. A text with more names than a perturbation may have is refused before it is split.
void ReadKnockout(const std::string& text, const std::string& field, int64_t max_genes,
                  v1::GenePerturbation* perturbation, Violations* violations) {
  const int64_t names = 1 + std::count(text.begin(), text.end(), '+');
  if (names - 1 > max_genes) {  // one of them may be the control
    violations->Add(field, "TOO_MANY_GENES",
                    absl::StrCat("found ", names, " genes, expected at most ", max_genes));
    return;
  }
  const std::vector<std::string> parts = absl::StrSplit(text, '+');
  const bool has_empty = std::any_of(parts.begin(), parts.end(), [](const std::string& part) {
    return cells::TrimLabel(part).empty();
  });
  std::vector<std::string> wanted =
      has_empty ? std::vector<std::string>() : cells::ParseGenes(text, "");
  if (wanted.empty()) {
    violations->Add(field, "EMPTY_PERTURBATION",
                    absl::StrCat("found '", text, "', expected GENE or GENE+GENE"));
    return;
  }
  for (const std::string& part : parts) {
    const auto gene = std::find(wanted.begin(), wanted.end(), cells::TrimLabel(part));
    if (gene == wanted.end()) continue;
    perturbation->add_genes(*gene);
    wanted.erase(gene);
  }
}

// The one input that says what is done to the cells; "" where there is none or more than one.
std::string PerturbationInput(const inference::ModelInferRequest& request, Violations* violations) {
  std::string found;
  for (const char* name : {kKnockout, kSmiles, kTreatment}) {
    if (!IsNamed(request, name)) continue;
    if (!found.empty()) {
      violations->Add(name, "AMBIGUOUS_PERTURBATION",
                      absl::StrCat("found ", found, " and ", name,
                                   ", expected one of knockout, smiles and treatment"));
      return "";
    }
    found = name;
  }
  if (found.empty()) {
    violations->Add("inputs", "EMPTY_PERTURBATION",
                    "found none of knockout, smiles and treatment, expected one");
  }
  return found;
}

void CheckMissing(const inference::ModelInferRequest& request, Violations* violations) {
  for (const auto& [name, what] : {std::pair("genes", "the names of the columns of cells"),
                                   std::pair("cells", "the control cells")}) {
    if (IsNamed(request, name)) continue;
    violations->Add(name, "MISSING_INPUT", absl::StrCat("found none, expected ", what));
  }
  if (IsNamed(request, kSmiles) && !IsNamed(request, kDose)) {
    violations->Add(kDose, "MISSING_INPUT", "found none, expected a dose for each of smiles");
  }
}

// A dose for each molecule.
void ReadDoses(const InputTensors& inputs, int64_t max_perturbations, v1::PredictRequest* predict,
               Violations* violations) {
  const int64_t violations_before = violations->count();
  const std::vector<float> doses =
      TakeFloats(inputs, kDose, max_perturbations, kMaxPerturbations, violations);
  if (violations->count() > violations_before) return;
  if (static_cast<int>(doses.size()) != predict->perturbations_size()) {
    violations->Add(kDose, "INVALID_SHAPE",
                    absl::StrCat("found ", doses.size(), " doses, expected ",
                                 predict->perturbations_size(), ", one for each of smiles"));
    return;
  }
  for (int k = 0; k < predict->perturbations_size(); ++k) {
    v1::Dose* dose = predict->mutable_perturbations(k)->mutable_molecule()->mutable_dose();
    dose->set_value(AsWritten(doses[k]));
    dose->set_unit(v1::DOSE_UNIT_MICROMOLAR);
  }
}

// A parameter is said once and becomes a covariate of every perturbation: together they may take no
// more than a message.
bool CovariatesFit(const std::map<std::string, double>& covariates, size_t perturbations,
                   const RequestLimits& limits, Violations* violations) {
  int64_t each = 0;
  for (const auto& [name, unused] : covariates) {
    each += kCovariateBytes + static_cast<int64_t>(name.size());
  }
  const auto count = static_cast<int64_t>(perturbations);
  if (count == 0 || each <= limits.max_message_bytes / count) return true;
  violations->Add("parameters.covariates", "TOO_MANY_ELEMENTS",
                  absl::StrCat("found ", each, " bytes of covariates for each of ", count,
                               " perturbations, expected at most ", limits.max_message_bytes,
                               " for all (limits.max_message_bytes of the server); split the "
                               "request"));
  return false;
}

void ReadPerturbations(const InputTensors& inputs, const RequestLimits& limits,
                       const std::string& name, const std::map<std::string, double>& covariates,
                       v1::PredictRequest* predict, Violations* violations) {
  const int64_t violations_before = violations->count();
  std::vector<std::string> elements =
      TakeStrings(inputs, name, limits.max_perturbations, kMaxPerturbations, violations);
  const bool sound = inputs.count(name) > 0 && violations->count() == violations_before;
  if (name != kKnockout && !CovariatesFit(covariates, elements.size(), limits, violations)) return;
  for (size_t k = 0; k < elements.size(); ++k) {
    v1::Perturbation* perturbation = predict->add_perturbations();
    if (name == kKnockout) {
      ReadKnockout(elements[k], absl::StrCat(kKnockout, "[", k, "]"),
                   limits.max_genes_per_perturbation, perturbation->mutable_genes(), violations);
    } else if (name == kSmiles) {
      perturbation->mutable_molecule()->set_smiles(std::move(elements[k]));
      perturbation->mutable_molecule()->mutable_covariates()->insert(covariates.begin(),
                                                                     covariates.end());
    } else {
      perturbation->mutable_treatment()->set_name(std::move(elements[k]));
      perturbation->mutable_treatment()->mutable_covariates()->insert(covariates.begin(),
                                                                      covariates.end());
    }
  }
  if (name == kSmiles && sound && inputs.count(kDose) > 0) {
    ReadDoses(inputs, limits.max_perturbations, predict, violations);
  } else if (name != kSmiles && !name.empty() && inputs.count(kDose) > 0) {
    violations->Add(kDose, "UNKNOWN_INPUT",
                    absl::StrCat("found with ", name, ", expected with smiles alone"));
  }
  if (name == kKnockout && !covariates.empty()) {
    violations->Add("parameters.covariates." + covariates.begin()->first, "UNKNOWN_PARAMETER",
                    "found with knockout, expected with smiles or treatment");
  }
}

void ReadCells(const InputTensors& inputs, const RequestLimits& limits, v1::PredictRequest* predict,
               Violations* violations) {
  v1::ControlCells* cells = predict->mutable_cells();
  for (std::string& gene :
       TakeStrings(inputs, "genes", limits.max_columns, "genes of a request", violations)) {
    // The answer has these columns: a gene that the model does not know has none.
    *predict->mutable_options()->add_genes() = gene;
    *cells->mutable_genes()->add_names() = std::move(gene);
  }
  for (std::string& type :
       TakeStrings(inputs, "cell_type", limits.max_cells, kMaxCells, violations)) {
    *cells->add_cell_types() = std::move(type);
  }
  TakeMatrix(inputs, "cells", cells->mutable_matrix(), violations);
}

// Replaces `from` at the beginning of `field`; returns whether it was there, as a whole step of the
// path.
bool Renamed(const std::string& field, absl::string_view from, const std::string& to,
             std::string* result) {
  absl::string_view rest = field;
  if (!absl::ConsumePrefix(&rest, from)) return false;
  if (!rest.empty() && rest[0] != '.' && rest[0] != '[') return false;
  *result = absl::StrCat(to, rest);
  return true;
}

}  // namespace

absl::StatusOr<InferRequest> ReadInferRequest(const RequestLimits& limits,
                                              inference::ModelInferRequest* request) {
  InferRequest read;
  Violations violations;
  const InferParameters parameters = ReadParameters(*request, &read.predict, &violations);
  const InputTensors inputs = FindInputs(request, &violations);
  CheckMissing(*request, &violations);
  read.perturbations = PerturbationInput(*request, &violations);
  ReadCells(inputs, limits, &read.predict, &violations);
  ReadPerturbations(inputs, limits, read.perturbations, parameters.covariates, &read.predict,
                    &violations);
  UNLASTING_RETURN_IF_ERROR(violations.ToStatus());
  read.predict.set_model(request->model_name());
  read.predict.set_model_version(request->model_version());
  read.predict.mutable_options()->set_content(v1::RESULT_CONTENT_PROFILES);
  read.id = request->id();
  read.timeout = parameters.timeout;
  return read;
}

std::string InputOf(const std::string& field, const std::string& perturbations) {
  std::string renamed;
  if (Renamed(field, "options.genes", "genes", &renamed) ||
      Renamed(field, "cells.genes", "genes", &renamed) ||
      Renamed(field, "cells.cell_types", "cell_type", &renamed) ||
      Renamed(field, "cells.matrix", "cells", &renamed) ||
      Renamed(field, "cells.value_kind", "parameters.cells_value_kind", &renamed) ||
      Renamed(field, "cells.target_sum", "parameters.cells_target_sum", &renamed) ||
      Renamed(field, "cells.missing_genes", "parameters.missing_genes", &renamed) ||
      Renamed(field, "cells.new_context", "parameters.new_context", &renamed) ||
      Renamed(field, "options", "parameters", &renamed) ||
      Renamed(field, "priority", "parameters.priority", &renamed)) {
    return renamed;
  }
  if (!Renamed(field, "perturbations", perturbations, &renamed)) return field;
  const size_t end = renamed.find(']');
  if (end == std::string::npos) return renamed;
  const absl::string_view below = absl::string_view(renamed).substr(end + 1);
  const std::string element = renamed.substr(0, end + 1);
  // What lies below an element is the kind of perturbation, which the input's name says, and the
  // dose, which is an input by itself.
  if (absl::StartsWith(below, ".molecule.dose")) {
    return absl::StrCat(kDose, absl::string_view(element).substr(perturbations.size()));
  }
  return element;
}

}  // namespace unlasting::server
