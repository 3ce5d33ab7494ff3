#include "core/molecule/featurizer.h"

#include <GraphMol/Fingerprints/MorganFingerprints.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "core/base/status.h"
#include "core/molecule/descriptors.h"
#include "core/molecule/parent.h"

namespace unlasting::molecule {
namespace {

constexpr unsigned int kRadius = 2;

std::vector<float> MorganCounts(const RDKit::ROMol& parent) {
  const std::unique_ptr<RDKit::SparseIntVect<std::uint32_t>> counts(
      RDKit::MorganFingerprints::getHashedFingerprint(parent, kRadius, kFingerprintFeatures));
  std::vector<float> features(kFingerprintFeatures, 0.0f);
  for (const auto& [bit, count] : counts->getNonzeroElements()) {
    features[bit] = static_cast<float>(std::log1p(count));
  }
  return features;
}

// Deviations below this share of the mean are rounding.
constexpr double kConstant = 1e-9;

DescriptorScaling ScalingOf(const std::map<std::string, std::vector<double>>& drugs) {
  DescriptorScaling scaling;
  scaling.names = DescriptorNames();
  for (size_t k = 0; k < scaling.names.size(); ++k) {
    double count = 0, mean = 0, squares = 0;
    for (const auto& [smiles, values] : drugs) {
      if (!std::isfinite(values[k])) continue;
      ++count;
      const double delta = values[k] - mean;
      mean += delta / count;
      squares += delta * (values[k] - mean);
    }
    const double deviation = count > 1 ? std::sqrt(squares / count) : 0.0;
    scaling.mean.push_back(mean);
    scaling.deviation.push_back(deviation > kConstant * (1 + std::abs(mean)) ? deviation : 0.0);
  }
  return scaling;
}

}  // namespace

absl::StatusOr<Featurizer> Featurizer::FitTo(const std::vector<std::string>& training_smiles) {
  std::map<std::string, std::vector<double>> drugs;
  for (const auto& smiles : training_smiles) {
    UNLASTING_RETURN_IF_ERROR(
        WithParent(smiles, ParentRule::kStandard, [&](const RDKit::ROMol& parent, const auto&) {
          drugs.emplace(RDKit::MolToSmiles(parent), Descriptors(parent));
        }));
  }
  Featurizer featurizer;
  featurizer.name_ = kDescribedName;
  featurizer.scaling_ = ScalingOf(drugs);
  return featurizer;
}

absl::StatusOr<Featurizer> Featurizer::Create(const std::string& name,
                                              const DescriptorScaling& scaling) {
  Featurizer featurizer;
  if (name == kFingerprintName) return featurizer;
  if (name != kDescribedName) {
    return absl::FailedPreconditionError(absl::StrCat("molecule_featurizer: found '", name,
                                                      "', expected ", kFingerprintName, " or ",
                                                      kDescribedName));
  }
  if (scaling.names != DescriptorNames() || scaling.mean.size() != scaling.names.size() ||
      scaling.deviation.size() != scaling.names.size()) {
    return absl::FailedPreconditionError(
        absl::StrCat("molecule_scaling: its descriptors are not those of ", kDescribedName));
  }
  featurizer.name_ = name;
  featurizer.scaling_ = scaling;
  return featurizer;
}

absl::StatusOr<Featurized> Featurizer::Featurize(const std::string& smiles) const {
  const bool described = !scaling_.mean.empty();
  Featurized result;
  UNLASTING_RETURN_IF_ERROR(WithParent(
      smiles, described ? ParentRule::kStandard : ParentRule::kLargestFragment,
      [&](const RDKit::ROMol& parent, const std::vector<std::string>& notes) {
        result.canonical_smiles = RDKit::MolToSmiles(parent);
        result.notes = notes;
        result.features = MorganCounts(parent);
        if (!described) return;
        const std::vector<double> values = Descriptors(parent);
        for (size_t k = 0; k < values.size(); ++k) {
          const double deviation = scaling_.deviation[k];
          const double units = deviation > 0 ? (values[k] - scaling_.mean[k]) / deviation : 0.0;
          // What a molecule has no value of stands at the training drugs' mean.
          result.features.push_back(
              std::isfinite(units)
                  ? static_cast<float>(std::clamp(units, -kLargestFeature, kLargestFeature))
                  : 0.0f);
        }
      }));
  return result;
}

absl::StatusOr<std::string> CanonicalSmiles(const std::string& smiles,
                                            std::vector<std::string>* notes) {
  std::string canonical;
  UNLASTING_RETURN_IF_ERROR(
      WithParent(smiles, ParentRule::kStandard,
                 [&](const RDKit::ROMol& parent, const std::vector<std::string>& left_out) {
                   canonical = RDKit::MolToSmiles(parent);
                   if (notes != nullptr) *notes = left_out;
                 }));
  return canonical;
}

double Similarity(absl::Span<const float> a, absl::Span<const float> b) {
  double common = 0, all = 0;
  const size_t size = std::min({a.size(), b.size(), size_t{kFingerprintFeatures}});
  for (size_t k = 0; k < size; ++k) {
    const double x = std::expm1(a[k]), y = std::expm1(b[k]);
    common += std::min(x, y);
    all += std::max(x, y);
  }
  return all > 0 ? common / all : 0.0;
}

}  // namespace unlasting::molecule
