#include "core/predict/query/bundle_featurizer.h"

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace unlasting::predict {

absl::StatusOr<molecule::Featurizer> FeaturizerOf(const bundle::Bundle& bundle) {
  const bundle::Manifest& manifest = bundle.manifest();
  const auto& scaling = manifest.molecule_scaling;
  auto featurizer = molecule::Featurizer::Create(manifest.molecule_featurizer,
                                                 {scaling.names, scaling.mean, scaling.deviation});
  if (featurizer.ok() && featurizer->features() == manifest.molecule_features) return featurizer;
  return WithReason(absl::InvalidArgumentError(
                        absl::StrCat("molecule: the model '", manifest.name, "' takes embeddings (",
                                     manifest.molecule_featurizer, "), not SMILES")),
                    "UNSUPPORTED_PERTURBATION");
}

}  // namespace unlasting::predict
