// ResolveGenes, ResolveMolecule and ResolveTreatment are the kinds of ResolvePerturbation
// (core/predict/query/query.h); errors are as there.
#pragma once

#include "absl/status/status.h"
#include "core/bundle/bundle.h"
#include "core/predict/query/perturbation.h"

namespace unlasting::predict {

absl::Status ResolveGenes(const bundle::Bundle& bundle, const PerturbationQuery& query,
                          Perturbation* perturbation);
absl::Status ResolveMolecule(const bundle::Bundle& bundle, const PerturbationQuery& query,
                             Perturbation* perturbation);
absl::Status ResolveTreatment(const bundle::Bundle& bundle, const PerturbationQuery& query,
                              Perturbation* perturbation);

// Makes of perturbation->molecule, the features of a molecule or a treatment alone, what the
// networks are told, and notes covariates that lie outside of the training's.
absl::Status AddCovariates(const bundle::Bundle& bundle, const PerturbationQuery& query,
                           Perturbation* perturbation);

}  // namespace unlasting::predict
