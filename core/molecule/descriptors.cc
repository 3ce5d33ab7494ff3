#include "core/molecule/descriptors.h"

#include <GraphMol/Descriptors/MolSurf.h>
#include <GraphMol/Descriptors/Property.h>
#include <GraphMol/MolOps.h>

#include "absl/strings/str_cat.h"

namespace unlasting::molecule {
namespace {

// Of RDKit's registry, those that do not count stereo marks, which a SMILES may leave out.
const char* const kProperties[] = {"amw",
                                   "lipinskiHBA",
                                   "lipinskiHBD",
                                   "NumRotatableBonds",
                                   "NumHBD",
                                   "NumHBA",
                                   "NumHeavyAtoms",
                                   "NumHeteroatoms",
                                   "NumAmideBonds",
                                   "FractionCSP3",
                                   "NumRings",
                                   "NumAromaticRings",
                                   "NumAliphaticRings",
                                   "NumSaturatedRings",
                                   "NumHeterocycles",
                                   "NumAromaticHeterocycles",
                                   "NumSaturatedHeterocycles",
                                   "NumAliphaticHeterocycles",
                                   "NumSpiroAtoms",
                                   "NumBridgeheadAtoms",
                                   "labuteASA",
                                   "tpsa",
                                   "CrippenClogP",
                                   "CrippenMR",
                                   "chi0v",
                                   "chi1v",
                                   "chi2v",
                                   "chi3v",
                                   "chi4v",
                                   "chi0n",
                                   "chi1n",
                                   "chi2n",
                                   "chi3n",
                                   "chi4n",
                                   "hallKierAlpha",
                                   "kappa1",
                                   "kappa2",
                                   "kappa3",
                                   "Phi"};
constexpr int kLogpBins = 12;
constexpr int kRefractivityBins = 10;
constexpr int kChargeBins = 14;

const RDKit::Descriptors::Properties& Registered() {
  static const auto* registered = new RDKit::Descriptors::Properties(
      std::vector<std::string>(std::begin(kProperties), std::end(kProperties)));
  return *registered;
}

}  // namespace

const std::vector<std::string>& DescriptorNames() {
  static const auto* names = [] {
    auto* all = new std::vector<std::string>(std::begin(kProperties), std::end(kProperties));
    all->push_back("FormalCharge");
    const auto bins = [&](const char* name, int count) {
      for (int k = 1; k <= count; ++k) all->push_back(absl::StrCat(name, k));
    };
    bins("SlogP_VSA", kLogpBins);
    bins("SMR_VSA", kRefractivityBins);
    bins("PEOE_VSA", kChargeBins);
    return all;
  }();
  return *names;
}

std::vector<double> Descriptors(const RDKit::ROMol& molecule) {
  std::vector<double> values = Registered().computeProperties(molecule);
  values.push_back(RDKit::MolOps::getFormalCharge(molecule));
  for (const auto& bins :
       {RDKit::Descriptors::calcSlogP_VSA(molecule), RDKit::Descriptors::calcSMR_VSA(molecule),
        RDKit::Descriptors::calcPEOE_VSA(molecule)}) {
    values.insert(values.end(), bins.begin(), bins.end());
  }
  return values;
}

}  // namespace unlasting::molecule
