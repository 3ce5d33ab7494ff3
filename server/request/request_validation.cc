#include "server/request/request_validation.h"

#include <utility>

#include "core/base/dose.h"
#include "core/base/status.h"
#include "core/predict/query/suggestion.h"
#include "proto/codec/enums.h"
#include "server/request/control_validation.h"
#include "server/request/count_validation.h"
#include "server/request/field_path.h"
#include "server/request/option_validation.h"

namespace unlasting::server {
namespace {

using SharedControls = std::shared_ptr<const predict::ControlSet>;

// What a caller may have meant is looked for at the first errors of a request alone: it takes
// milliseconds for each.
constexpr int64_t kMaxSuggestions = 5;

// Null where `controls` has an error, which goes to `violations`.
SharedControls TakeControls(absl::StatusOr<predict::ControlSet> controls, const std::string& field,
                            const FieldWords& words, Violations* violations) {
  if (controls.ok()) return std::make_shared<const predict::ControlSet>(*std::move(controls));
  AddAt(field, words, controls.status(), "", violations);
  return nullptr;
}

SharedControls InlineControls(const v1::ControlCells& message, const bundle::Bundle& bundle,
                              const RequestLimits& limits, Violations* violations) {
  Violations found;
  const cells::ControlMatrix controls = DecodeControls(message, "cells", limits, &found);
  if (!found.empty()) {
    violations->Append(found);
    return nullptr;
  }
  return TakeControls(predict::ResolveControls(bundle, controls), "cells",
                      {{"cell_type", ".cell_types"},
                       {"new_context", ".new_context"},
                       {"gene_list_hash", ".gene_list_hash"},
                       {"controls", ""}},
                      violations);
}

SharedControls RegisteredControls(const std::string& id, const bundle::Bundle& bundle,
                                  const ControlFinder& find_controls, Violations* violations) {
  const std::shared_ptr<const cells::ControlMatrix> controls = find_controls(id);
  if (controls == nullptr) {
    violations->Add(
        "control_set_id", "UNKNOWN_CONTROL_SET",
        absl::StrCat("found '", id, "', which the server does not hold; register the cells again"),
        absl::StatusCode::kNotFound);
    return nullptr;
  }
  // The words say which part of the registered cells does not fit the model.
  return TakeControls(predict::ResolveControls(bundle, *controls), "control_set_id",
                      {{"controls", ""}}, violations);
}

SharedControls PanelControls(const v1::ControlPanel& panel, const bundle::Bundle& bundle,
                             const RequestLimits& limits, Violations* violations) {
  if (panel.cells() < 0 || panel.cells() > limits.max_cells) {
    violations->Add("panel.cells", panel.cells() < 0 ? "INVALID_SHAPE" : "TOO_MANY_CELLS",
                    absl::StrCat("found ", panel.cells(), ", expected 0 to ", limits.max_cells,
                                 " (limits.max_cells of the server)"));
    return nullptr;
  }
  return TakeControls(
      predict::PanelControls(bundle, panel.cell_type(), panel.cells(), panel.seed()), "panel",
      {{"cell_type", ".cell_type"}, {"panel cells", ".cells"}, {"panel", ".cell_type"}},
      violations);
}

SharedControls ControlsOf(const v1::PredictRequest& request, const bundle::Bundle& bundle,
                          const RequestLimits& limits, const ControlFinder& find_controls,
                          Violations* violations) {
  switch (request.controls_case()) {
    case v1::PredictRequest::kCells:
      return InlineControls(request.cells(), bundle, limits, violations);
    case v1::PredictRequest::kControlSetId:
      return RegisteredControls(request.control_set_id(), bundle, find_controls, violations);
    case v1::PredictRequest::kPanel:
      return PanelControls(request.panel(), bundle, limits, violations);
    case v1::PredictRequest::CONTROLS_NOT_SET:
      violations->Add("controls", "NO_CELLS",
                      "found none, expected cells, a control_set_id or a panel");
  }
  return nullptr;
}

void ReadMolecule(const v1::MoleculePerturbation& message, const std::string& field,
                  predict::PerturbationQuery* query, Violations* violations) {
  switch (message.identity_case()) {
    case v1::MoleculePerturbation::kSmiles:
      query->smiles = message.smiles();
      break;
    case v1::MoleculePerturbation::kName:
      query->molecule_name = message.name();
      break;
    case v1::MoleculePerturbation::kEmbedding:
      query->embedding.assign(message.embedding().values().begin(),
                              message.embedding().values().end());
      break;
    case v1::MoleculePerturbation::IDENTITY_NOT_SET:
      break;
  }
  if (query->smiles.empty() && query->molecule_name.empty() && query->embedding.empty()) {
    violations->Add(field, "EMPTY_PERTURBATION",
                    "expected a SMILES, a name or an embedding, found none");
  }
  query->covariates.insert(message.covariates().begin(), message.covariates().end());
  const auto dose =
      ToMicromolar(message.dose().value(), codec::DoseUnitName(message.dose().unit()));
  if (dose.ok()) {
    query->dose_um = *dose;
  } else {
    AddAt(field + ".dose", {{"dose", ""}}, dose.status(), "", violations);
  }
}

void ReadTreatment(const v1::TreatmentPerturbation& message, const std::string& field,
                   predict::PerturbationQuery* query, Violations* violations) {
  query->treatment = message.name();
  query->treatment_vector.assign(message.vector().begin(), message.vector().end());
  query->covariates.insert(message.covariates().begin(), message.covariates().end());
  if (query->treatment.empty() && query->treatment_vector.empty()) {
    violations->Add(field, "EMPTY_PERTURBATION", "expected a name or a vector, found neither");
  }
}

// The query that `message` asks, and the field below `field` that it is in; whatever is wrong goes
// to `found`.
predict::PerturbationQuery ReadPerturbation(const v1::Perturbation& message,
                                            const RequestLimits& limits, std::string* field,
                                            Violations* found) {
  predict::PerturbationQuery query;
  if (message.has_genes()) {
    *field += ".genes";
    if (message.genes().genes_size() > limits.max_genes_per_perturbation) {
      found->Add(*field, "TOO_MANY_GENES",
                 absl::StrCat("found ", message.genes().genes_size(), " genes, expected at most ",
                              limits.max_genes_per_perturbation));
    } else {
      query.genes.assign(message.genes().genes().begin(), message.genes().genes().end());
    }
  } else if (message.has_molecule()) {
    *field += ".molecule";
    ReadMolecule(message.molecule(), *field, &query, found);
  } else if (message.has_treatment()) {
    *field += ".treatment";
    ReadTreatment(message.treatment(), *field, &query, found);
  } else {
    found->Add(*field, "EMPTY_PERTURBATION",
               "expected genes, a molecule or a treatment, found none");
  }
  return query;
}

// Whether resolving takes long and the same may be asked again: not genes, which are quick, and not
// vectors, which are long.
bool IsWorthKeeping(const v1::Perturbation& message) {
  return message.has_molecule() ? !message.molecule().has_embedding()
                                : message.has_treatment() && message.treatment().vector().empty();
}

}  // namespace

RequestPreparation::RequestPreparation(const v1::PredictRequest* request,
                                       const bundle::Bundle* bundle, const cells::GeneIndex* genes,
                                       const RequestLimits& limits, ControlFinder find_controls)
    : request_(*request),
      bundle_(*bundle),
      genes_(*genes),
      limits_(limits),
      find_controls_(std::move(find_controls)) {}

void RequestPreparation::Begin() {
  predict::PredictionTask& task = valid_.task;
  task.controls = ControlsOf(request_, bundle_, limits_, find_controls_, &violations_);
  count_ = request_.perturbations_size();
  if (count_ == 0) {
    violations_.Add("perturbations", "EMPTY_PERTURBATION", "found none, expected one or more");
  } else if (count_ > limits_.max_perturbations) {
    violations_.Add("perturbations", "TOO_MANY_PERTURBATIONS",
                    absl::StrCat("found ", count_, ", expected at most ", limits_.max_perturbations,
                                 " (limits.max_perturbations of the server); split the request"));
    count_ = 0;
  }
}

void RequestPreparation::ResolveNext() {
  const v1::Perturbation& message = request_.perturbations(next_);
  std::string field = absl::StrCat("perturbations[", next_++, "]");
  const std::string key = IsWorthKeeping(message) ? message.SerializeAsString() : "";
  const auto known = key.empty() ? resolved_.end() : resolved_.find(key);
  if (known != resolved_.end()) {
    valid_.task.perturbations.push_back(known->second);
    return;
  }
  Violations found;
  const predict::PerturbationQuery query = ReadPerturbation(message, limits_, &field, &found);
  if (!found.empty()) {
    violations_.Append(found);
    return;
  }
  auto perturbation = predict::ResolvePerturbation(bundle_, query);
  if (perturbation.ok()) {
    resolved_bytes_ += predict::PerturbationBytes(**perturbation);
    if (!key.empty()) resolved_.emplace(key, *perturbation);
    valid_.task.perturbations.push_back(std::move(*perturbation));
    return;
  }
  const bool suggest =
      absl::IsNotFound(perturbation.status()) && violations_.count() < kMaxSuggestions;
  AddAt(field, {{"genes", ""}, {"molecule", ""}, {"dose", ".dose"}, {"embedding", ".embedding"}},
        perturbation.status(), suggest ? predict::SuggestionFor(bundle_, query) : "", &violations_);
}

void RequestPreparation::End() {
  predict::PredictionTask& task = valid_.task;
  ResolveOptions(request_.options(), bundle_, genes_, limits_, &task.options, &valid_.result,
                 &violations_);
  ResolveCounts(request_.options(), bundle_, task.controls.get(), valid_.result, &task.options,
                &violations_);
  if (!v1::Priority_IsValid(request_.priority())) {
    violations_.Add("priority", "INVALID_OPTION",
                    absl::StrCat("found ", request_.priority(), ", expected INTERACTIVE or BULK"));
  } else if (request_.priority() == v1::PRIORITY_BULK) {
    task.priority = predict::JobPriority::kBulk;
  }
  if (task.controls == nullptr) return;
  const int64_t rows = task.cells() * request_.perturbations_size();
  if (rows > limits_.max_rows) {
    violations_.Add(
        "perturbations", "TOO_MANY_ROWS",
        absl::StrCat("found ", task.cells(), " cells times ", request_.perturbations_size(),
                     " perturbations, expected at most ", limits_.max_rows,
                     " in one request (limits.max_rows of the server); split the request"));
  }
}

bool RequestPreparation::Advance(absl::FunctionRef<bool()> has_time) {
  if (!begun_) {
    begun_ = true;
    Begin();
  }
  while (next_ < count_) {
    ResolveNext();
    if (next_ < count_ && !has_time()) return false;
  }
  End();
  return true;
}

absl::StatusOr<ValidRequest> RequestPreparation::Take(const FieldName& name) {
  if (name != nullptr) violations_.RenameFields(name);
  UNLASTING_RETURN_IF_ERROR(violations_.ToStatus());
  return std::move(valid_);
}

absl::StatusOr<ValidRequest> ValidatePredict(const v1::PredictRequest& request,
                                             const bundle::Bundle& bundle,
                                             const cells::GeneIndex& genes,
                                             const RequestLimits& limits,
                                             const ControlFinder& find_controls) {
  RequestPreparation preparation(&request, &bundle, &genes, limits, find_controls);
  preparation.Advance([] { return true; });
  return preparation.Take();
}

}  // namespace unlasting::server
