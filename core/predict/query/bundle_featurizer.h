// FeaturizerOf makes the featurizer that a bundle was trained with, for whoever has SMILES for it.
// Stateless; any thread.
#pragma once

#include "absl/status/statusor.h"
#include "core/bundle/bundle.h"
#include "core/molecule/featurizer.h"

namespace unlasting::predict {

// INVALID_ARGUMENT with reason UNSUPPORTED_PERTURBATION where the bundle takes embeddings, or was
// trained with a featurizer that this build does not have.
absl::StatusOr<molecule::Featurizer> FeaturizerOf(const bundle::Bundle& bundle);

}  // namespace unlasting::predict
