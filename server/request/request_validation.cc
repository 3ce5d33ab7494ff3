#include "server/request/request_validation.h"

#include <utility>

#include "core/base/dose.h"
#include "core/base/status.h"
#include "proto/codec/enums.h"
#include "server/request/option_validation.h"

namespace unlasting::server {
namespace {

template <typename T>
std::shared_ptr<const T> Share(T value) {
  return std::make_shared<const T>(std::move(value));
}

std::shared_ptr<const predict::ControlSet> ResolveControlsOf(
    const v1::PredictRequest& request, const bundle::Bundle& bundle, const GeneIndex& index,
    const RequestLimits& limits, const ControlFinder& find_controls, Violations* violations) {
  switch (request.controls_case()) {
    case v1::PredictRequest::kCells: {
      Violations found;
      const RawControls raw = DecodeControls(request.cells(), "cells", limits, &found);
      if (!found.empty()) {
        violations->Append(found);
        return nullptr;
      }
      auto controls = ResolveRawControls(bundle, index, raw);
      if (controls.ok()) return Share(std::move(*controls));
      violations->Add("cells", controls.status());
      return nullptr;
    }
    case v1::PredictRequest::kControlSetId: {
      const std::shared_ptr<const RawControls> raw = find_controls(request.control_set_id());
      if (raw == nullptr) {
        violations->Add("control_set_id", "UNKNOWN_CONTROL_SET",
                        absl::StrCat("found '", request.control_set_id(),
                                     "', which the server does not hold; register it again"),
                        absl::StatusCode::kNotFound);
        return nullptr;
      }
      auto controls = ResolveRawControls(bundle, index, *raw);
      if (controls.ok()) return Share(std::move(*controls));
      violations->Add("control_set_id", controls.status());
      return nullptr;
    }
    case v1::PredictRequest::kPanel: {
      const v1::ControlPanel& panel = request.panel();
      if (panel.cells() < 0 || panel.cells() > limits.max_cells) {
        violations->Add(
            "panel.cells", panel.cells() < 0 ? "INVALID_SHAPE" : "TOO_MANY_CELLS",
            absl::StrCat("found ", panel.cells(), ", expected 0 to ", limits.max_cells));
        return nullptr;
      }
      auto controls =
          predict::PanelControls(bundle, panel.cell_type(), panel.cells(), panel.seed());
      if (controls.ok()) return Share(std::move(*controls));
      violations->Add("panel", controls.status());
      return nullptr;
    }
    case v1::PredictRequest::CONTROLS_NOT_SET:
      violations->Add("controls", "NO_CELLS",
                      "expected cells, a control_set_id or a panel, found none");
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
  const auto dose =
      ToMicromolar(message.dose().value(), codec::DoseUnitName(message.dose().unit()));
  if (dose.ok()) {
    query->dose_um = *dose;
  } else {
    violations->Add(field + ".dose", dose.status());
  }
}

std::vector<std::shared_ptr<const predict::Perturbation>> ResolvePerturbations(
    const v1::PredictRequest& request, const bundle::Bundle& bundle, const RequestLimits& limits,
    Violations* violations) {
  std::vector<std::shared_ptr<const predict::Perturbation>> resolved;
  if (request.perturbations().empty()) {
    violations->Add("perturbations", "EMPTY_PERTURBATION", "found none, expected one or more");
  }
  if (request.perturbations_size() > limits.max_perturbations) {
    violations->Add("perturbations", "TOO_MANY_PERTURBATIONS",
                    absl::StrCat("found ", request.perturbations_size(), ", expected at most ",
                                 limits.max_perturbations));
    return resolved;
  }
  for (int k = 0; k < request.perturbations_size(); ++k) {
    const v1::Perturbation& message = request.perturbations(k);
    std::string field = absl::StrCat("perturbations[", k, "]");
    predict::PerturbationQuery query;
    Violations found;
    if (message.has_genes()) {
      field += ".genes";
      query.genes.assign(message.genes().genes().begin(), message.genes().genes().end());
      if (message.genes().genes_size() > limits.max_genes_per_perturbation) {
        found.Add(field, "TOO_MANY_GENES",
                  absl::StrCat("found ", message.genes().genes_size(), " genes, expected at most ",
                               limits.max_genes_per_perturbation));
      }
    } else if (message.has_molecule()) {
      field += ".molecule";
      ReadMolecule(message.molecule(), field, &query, &found);
    } else {
      found.Add(field, "EMPTY_PERTURBATION", "expected genes or a molecule, found neither");
    }
    if (!found.empty()) {
      violations->Append(found);
      continue;
    }
    auto perturbation = predict::ResolvePerturbation(bundle, query);
    if (perturbation.ok()) {
      resolved.push_back(std::move(*perturbation));
    } else {
      violations->Add(field, perturbation.status());
    }
  }
  return resolved;
}

}  // namespace

absl::StatusOr<PredictWork> ValidatePredict(const v1::PredictRequest& request,
                                            const bundle::Bundle& bundle, const GeneIndex& index,
                                            const RequestLimits& limits,
                                            const ControlFinder& find_controls) {
  Violations violations;
  PredictWork work;
  work.controls = ResolveControlsOf(request, bundle, index, limits, find_controls, &violations);
  work.perturbations = ResolvePerturbations(request, bundle, limits, &violations);
  ResolveOptions(request.options(), bundle, index, limits, &work, &violations);
  if (!v1::Priority_IsValid(request.priority())) {
    violations.Add("priority", "INVALID_OPTION",
                   absl::StrCat("found ", request.priority(), ", expected INTERACTIVE or BULK"));
  } else if (request.priority() == v1::PRIORITY_BULK) {
    work.priority = v1::PRIORITY_BULK;
  }
  if (work.controls != nullptr) {
    const int64_t rows = work.controls->values.rows * request.perturbations_size();
    if (rows > limits.max_rows) {
      violations.Add("perturbations", "TOO_MANY_ROWS",
                     absl::StrCat("found ", work.controls->values.rows, " cells times ",
                                  request.perturbations_size(), " perturbations, expected at most ",
                                  limits.max_rows, " in one request"));
    }
  }
  UNLASTING_RETURN_IF_ERROR(violations.ToStatus());
  return work;
}

}  // namespace unlasting::server
