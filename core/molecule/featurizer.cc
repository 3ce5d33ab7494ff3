#include "core/molecule/featurizer.h"

#include <GraphMol/Fingerprints/MorganFingerprints.h>
#include <GraphMol/GraphMol.h>
#include <GraphMol/MolOps.h>
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>
#include <RDGeneral/RDLog.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/base/status.h"

namespace unlasting::molecule {
namespace {

constexpr unsigned int kRadius = 2;
constexpr size_t kLongestSmiles = 10000;

absl::Status Unparsable(const std::string& smiles, const std::string& why) {
  // A hostile SMILES can be long; its head is enough to recognise it.
  return WithReason(
      absl::InvalidArgumentError(absl::StrCat("SMILES '", smiles.substr(0, 80), "': ", why)),
      "UNPARSABLE_SMILES");
}

// The fragment with the most heavy atoms: the drug itself where salts and solvents stand beside it.
boost::shared_ptr<RDKit::ROMol> LargestFragment(const RDKit::ROMol& molecule) {
  boost::shared_ptr<RDKit::ROMol> largest;
  for (const auto& fragment : RDKit::MolOps::getMolFrags(molecule)) {
    if (!largest || fragment->getNumHeavyAtoms() > largest->getNumHeavyAtoms()) {
      largest = fragment;
    }
  }
  return largest;
}

// What `use` makes of the molecule without salts and solvents; RDKit's exceptions end here.
template <typename Result, typename Use>
absl::StatusOr<Result> WithParent(const std::string& smiles, Use use) {
  static const bool quiet = [] {
    boost::logging::disable_logs("rdApp.*");
    return true;
  }();
  (void)quiet;
  if (smiles.size() > kLongestSmiles) {
    return Unparsable(smiles, absl::StrCat("found ", smiles.size(),
                                           " characters, expected at most ", kLongestSmiles));
  }
  const std::string text = smiles.substr(0, smiles.find_first_of(" \t|"));
  if (text.empty()) return Unparsable(smiles, "is empty");
  try {
    const std::unique_ptr<RDKit::RWMol> molecule(RDKit::SmilesToMol(text));
    if (!molecule || molecule->getNumAtoms() == 0) return Unparsable(smiles, "cannot be parsed");
    return use(*LargestFragment(*molecule));
  } catch (const std::exception& error) {
    return Unparsable(smiles, error.what());
  }
}

}  // namespace

absl::StatusOr<Featurized> Featurize(const std::string& smiles) {
  return WithParent<Featurized>(smiles, [](const RDKit::ROMol& parent) {
    Featurized result;
    result.canonical_smiles = RDKit::MolToSmiles(parent);
    const std::unique_ptr<RDKit::SparseIntVect<std::uint32_t>> counts(
        RDKit::MorganFingerprints::getHashedFingerprint(parent, kRadius, kFeatures));
    result.features.assign(kFeatures, 0.0f);
    for (const auto& [bit, count] : counts->getNonzeroElements()) {
      result.features[bit] = static_cast<float>(std::log1p(count));
    }
    return result;
  });
}

absl::StatusOr<std::string> CanonicalSmiles(const std::string& smiles) {
  return WithParent<std::string>(
      smiles, [](const RDKit::ROMol& parent) { return RDKit::MolToSmiles(parent); });
}

double Similarity(const std::vector<float>& a, const std::vector<float>& b) {
  double common = 0, all = 0;
  for (size_t k = 0; k < a.size() && k < b.size(); ++k) {
    const double x = std::expm1(a[k]), y = std::expm1(b[k]);
    common += std::min(x, y);
    all += std::max(x, y);
  }
  return all > 0 ? common / all : 0.0;
}

}  // namespace unlasting::molecule
