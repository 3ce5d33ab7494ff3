// Molecules to feature vectors: RDKit's Morgan count fingerprint.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace unlasting::molecule {

inline constexpr char kFeaturizerName[] = "morgan-count-r2-2048";
inline constexpr int kFeatures = 2048;

struct Featurized {
  std::string canonical_smiles;  // of the parent: salts and solvents stripped
  std::vector<float> features;   // [2048], log1p of the count of each hashed substructure
};

// Anything after the first blank or '|' is dropped, then the largest fragment is kept. Radius 2,
// counts, no chirality. INVALID_ARGUMENT with reason UNPARSABLE_SMILES names the text.
absl::StatusOr<Featurized> Featurize(const std::string& smiles);

// The canonical SMILES alone; errors as Featurize.
absl::StatusOr<std::string> CanonicalSmiles(const std::string& smiles);

// Tanimoto similarity of two count vectors as Featurize gives them, 0 to 1.
double Similarity(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace unlasting::molecule
