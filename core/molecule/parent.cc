#include "core/molecule/parent.h"

#include <GraphMol/MolOps.h>
#include <GraphMol/MolStandardize/Charge.h>
#include <GraphMol/MolStandardize/Fragment.h>
#include <GraphMol/MolStandardize/Normalize.h>
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>
#include <RDGeneral/RDLog.h>

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "core/base/status.h"

namespace unlasting::molecule {
namespace {

constexpr size_t kLongestSmiles = 10000;
// Reading a molecule takes time with the cube of its atoms: a tenth of a second at 500, eight
// seconds at 2,000. Insulin has 400.
constexpr unsigned kMaxHeavyAtoms = 500;

absl::Status Unparsable(const std::string& smiles, const std::string& why) {
  // A hostile SMILES can be long; its head is enough to recognise it.
  return WithReason(
      absl::InvalidArgumentError(absl::StrCat("SMILES '", smiles.substr(0, 80), "': ", why)),
      "UNPARSABLE_SMILES");
}

void SilenceRdkit() {
  static const bool quiet = [] {
    boost::logging::disable_logs("rdApp.*");
    return true;
  }();
  (void)quiet;
}

std::unique_ptr<RDKit::ROMol> LargestFragment(const RDKit::ROMol& molecule) {
  boost::shared_ptr<RDKit::ROMol> largest;
  for (const auto& fragment : RDKit::MolOps::getMolFrags(molecule)) {
    if (!largest || fragment->getNumHeavyAtoms() > largest->getNumHeavyAtoms()) {
      largest = fragment;
    }
  }
  return std::make_unique<RDKit::ROMol>(*largest);
}

bool IsAlkali(const RDKit::Atom& atom) {
  switch (atom.getAtomicNum()) {
    case 3:
    case 11:
    case 19:
    case 37:
    case 55:
      return true;
    default:
      return false;
  }
}

// Sodium drawn as bonded is a salt all the same. RDKit's MetalDisconnector would do it to every
// metal, and leave ammonia of cisplatin.
void BreakAlkaliBonds(RDKit::RWMol* molecule) {
  std::vector<std::pair<unsigned, unsigned>> bonds;  // metal, the other
  for (const auto bond : molecule->bonds()) {
    const RDKit::Atom* a = bond->getBeginAtom();
    const RDKit::Atom* b = bond->getEndAtom();
    if (IsAlkali(*b)) std::swap(a, b);
    if (IsAlkali(*a) && !IsAlkali(*b)) bonds.emplace_back(a->getIdx(), b->getIdx());
  }
  for (const auto& [metal, other] : bonds) {
    molecule->removeBond(metal, other);
    RDKit::Atom* cation = molecule->getAtomWithIdx(metal);
    RDKit::Atom* anion = molecule->getAtomWithIdx(other);
    cation->setFormalCharge(cation->getFormalCharge() + 1);
    anion->setFormalCharge(anion->getFormalCharge() - 1);
  }
  if (!bonds.empty()) RDKit::MolOps::sanitizeMol(*molecule);
}

std::unique_ptr<RDKit::ROMol> StandardParent(RDKit::RWMol molecule) {
  namespace standardize = RDKit::MolStandardize;
  BreakAlkaliBonds(&molecule);
  standardize::Normalizer normalizer;
  const std::unique_ptr<RDKit::ROMol> normal(normalizer.normalize(molecule));
  standardize::LargestFragmentChooser chooser;
  const std::unique_ptr<RDKit::ROMol> largest(chooser.choose(*normal));
  standardize::Uncharger uncharger(/*canonicalOrdering=*/true);
  std::unique_ptr<RDKit::ROMol> parent(uncharger.uncharge(*largest));
  // Sums over atoms round by their order: read in canonical order, equal molecules have equal bits.
  std::unique_ptr<RDKit::ROMol> ordered(RDKit::SmilesToMol(RDKit::MolToSmiles(*parent)));
  return ordered ? std::move(ordered) : std::move(parent);
}

unsigned HeavyAtoms(const std::string& text) {
  RDKit::SmilesParserParams only_read;
  only_read.sanitize = false;
  only_read.removeHs = false;
  const std::unique_ptr<RDKit::ROMol> molecule(RDKit::SmilesToMol(text, only_read));
  return molecule ? molecule->getNumHeavyAtoms() : 0;
}

}  // namespace

absl::Status WithParent(const std::string& smiles, ParentRule rule,
                        absl::FunctionRef<void(const RDKit::ROMol&)> use) {
  SilenceRdkit();
  if (smiles.size() > kLongestSmiles) {
    return Unparsable(smiles, absl::StrCat("found ", smiles.size(),
                                           " characters, expected at most ", kLongestSmiles));
  }
  const absl::string_view trimmed = absl::StripLeadingAsciiWhitespace(smiles);
  const std::string text(trimmed.substr(0, trimmed.find_first_of(" \t\r\n|")));
  if (text.empty()) return Unparsable(smiles, "is empty");
  try {
    const unsigned atoms = HeavyAtoms(text);
    if (atoms > kMaxHeavyAtoms) {
      return Unparsable(
          smiles, absl::StrCat("found ", atoms, " heavy atoms, expected at most ", kMaxHeavyAtoms));
    }
    const std::unique_ptr<RDKit::RWMol> molecule(RDKit::SmilesToMol(text));
    if (!molecule || molecule->getNumAtoms() == 0) return Unparsable(smiles, "cannot be parsed");
    use(rule == ParentRule::kStandard ? *StandardParent(*molecule) : *LargestFragment(*molecule));
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return Unparsable(smiles, error.what());
  }
}

}  // namespace unlasting::molecule
