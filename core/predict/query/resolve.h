// ResolveGenes and ResolveMolecule are the two halves of ResolvePerturbation
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

}  // namespace unlasting::predict
