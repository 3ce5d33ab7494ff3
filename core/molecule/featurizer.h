// featurizer.h turns molecules into feature vectors: RDKit's Morgan count fingerprint, followed by
// physico-chemical descriptors that are standardised on the training drugs.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace unlasting::molecule {

// The fingerprint alone: what bundles before the descriptors were trained on.
inline constexpr char kFingerprintName[] = "morgan-count-r2-2048";
inline constexpr int kFingerprintFeatures = 2048;
// The default of training.
inline constexpr char kDescribedName[] = "morgan-count-r2-2048+descriptors-1";

struct Featurized {
  std::string canonical_smiles;  // of the parent: salts and solvents stripped
  // [Featurizer::features()]: log1p of the count of each of 2048 hashed substructures (radius 2, no
  // chirality), then the standardised descriptors.
  std::vector<float> features;
  // In words: which fragments of the SMILES were left out, and whether one of them may be a drug.
  std::vector<std::string> notes;
};

// Mean and deviation of each descriptor over the training drugs. Where the deviation is 0 the
// training drugs did not differ, nothing was learned, and the feature is 0 for every molecule.
struct DescriptorScaling {
  std::vector<std::string> names;
  std::vector<double> mean;
  std::vector<double> deviation;
};

// Immutable; any thread.
class Featurizer {
 public:
  // Standardised values end here, so that an odd molecule stays within what a network can bear.
  static constexpr double kLargestFeature = 5.0;

  // kFingerprintName, with the largest fragment as it is written.
  static Featurizer Fingerprint() { return Featurizer(); }
  // kDescribedName, standardised on these drugs; each structure counts once, however it is written
  // and however often it stands there. Errors as Featurize.
  static absl::StatusOr<Featurizer> FitTo(const std::vector<std::string>& training_smiles);
  // By the name that a manifest holds. FAILED_PRECONDITION for a name or descriptors unknown here.
  static absl::StatusOr<Featurizer> Create(const std::string& name,
                                           const DescriptorScaling& scaling);

  // Anything after the first blank or '|' is dropped, then salts and solvents. INVALID_ARGUMENT
  // with reason UNPARSABLE_SMILES names the text, also where it is longer than 10,000 characters or
  // 500 heavy atoms or 100 rings, and the place of a character that is not ASCII. Every value is
  // finite.
  absl::StatusOr<Featurized> Featurize(const std::string& smiles) const;

  const std::string& name() const { return name_; }
  int features() const { return kFingerprintFeatures + static_cast<int>(scaling_.mean.size()); }
  const DescriptorScaling& scaling() const { return scaling_; }  // empty for the fingerprint

 private:
  Featurizer() = default;
  std::string name_ = kFingerprintName;
  DescriptorScaling scaling_;
};

// The canonical SMILES of the parent as the default featurizer has it; errors as Featurize. `notes`
// may be null, else it receives Featurized::notes.
absl::StatusOr<std::string> CanonicalSmiles(const std::string& smiles,
                                            std::vector<std::string>* notes = nullptr);

// Tanimoto similarity, 0 to 1, of the fingerprints that two feature vectors begin with.
double Similarity(absl::Span<const float> a, absl::Span<const float> b);

}  // namespace unlasting::molecule
