// Bundle is a trained model on disk, read and verified: a folder of manifest.json,
// weights.safetensors, reference.h5ad, card.md, training.jsonl and the same weights as TorchScript,
// written and replaced as a whole (docs/bundle.md). Nothing here knows LibTorch; core/bundle/torch
// writes bundles and compares their TorchScript files with the weights.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/bundle/manifest.h"
#include "core/bundle/reference.h"
#include "core/bundle/trained_contexts.h"
#include "core/bundle/trained_genes.h"
#include "core/bundle/weights_file.h"
#include "core/model/spec/config.h"
#include "core/model/spec/new_context.h"

namespace unlasting::bundle {

// Immutable after loading; shared between threads.
class Bundle {
 public:
  // Checks schema, features, sizes and hashes before anything is deserialised, then that the
  // weights fit the manifest. NOT_FOUND where the folder or a file is absent, DATA_LOSS where a
  // size or hash differs, FAILED_PRECONDITION for a foreign schema or an unknown feature,
  // INVALID_ARGUMENT for a malformed manifest or weights that do not fit it.
  // `name`, where it is not empty, takes the place of the manifest's name: what a server calls the
  // bundle, and what errors name. `keys`, where it is not empty, is a file of public keys, one of
  // which must have signed the manifest (signature.h); its errors come before any other.
  static absl::StatusOr<std::shared_ptr<const Bundle>> Load(const std::string& directory,
                                                            const std::string& name = "",
                                                            const std::string& keys = "");

  // Reads the weights from disk: an evaluator packs them in its own way, so a bundle does not keep
  // them. Errors as of Load.
  absl::StatusOr<BundleWeights> ReadWeights() const;

  const Manifest& manifest() const { return manifest_; }
  const Reference& reference() const { return reference_; }
  const TrainedGenes& trained_genes() const { return trained_genes_; }
  const TrainedContexts& trained_contexts() const { return trained_contexts_; }
  const model::ModelConfig& config() const { return config_; }
  // How responses carry over to a cell type that training never saw; none where leaving out showed
  // that no change is expected there.
  const std::vector<model::CarryOverRule>& carry_over() const { return carry_over_; }
  const std::string& directory() const { return directory_; }
  // SHA-256 of manifest.json, which holds the hashes of all else.
  const std::string& hash() const { return hash_; }

 private:
  Bundle() = default;

  std::string directory_;
  std::string hash_;
  Manifest manifest_;
  model::ModelConfig config_;
  Reference reference_;
  TrainedGenes trained_genes_;
  TrainedContexts trained_contexts_;
  std::vector<model::CarryOverRule> carry_over_;
};

}  // namespace unlasting::bundle
