#include "core/molecule/parent.h"

#include <GraphMol/MolOps.h>
#include <GraphMol/MolStandardize/Charge.h>
#include <GraphMol/MolStandardize/Normalize.h>
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>
#include <RDGeneral/RDLog.h>

#include <new>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/molecule/fragments.h"
#include "core/molecule/smiles_text.h"

namespace unlasting::molecule {
namespace {

constexpr size_t kLongestSmiles = 10000;
// Reading a molecule takes time with the cube of its atoms: a tenth of a second at 500, eight
// seconds at 2,000. Insulin has 400.
constexpr unsigned kMaxHeavyAtoms = 500;
// Rings cost more than atoms: a sheet of 484 atoms in 441 fused rings takes ten seconds, and no
// structure of 100 rings takes one. Cyclodextrins and fullerenes have 30 or so.
constexpr int kMaxRings = 100;

absl::Status Unparsable(const std::string& smiles, const std::string& why) {
  // A hostile SMILES can be long; its head is enough to recognise it.
  return WithReason(
      absl::InvalidArgumentError(absl::StrCat("SMILES '", Quotable(smiles), "': ", why)),
      "UNPARSABLE_SMILES");
}

void SilenceRdkit() {
  static const bool quiet = [] {
    boost::logging::disable_logs("rdApp.*");
    return true;
  }();
  (void)quiet;
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

// nullptr where RDKit cannot write the molecule, or cannot read what it wrote.
std::unique_ptr<RDKit::ROMol> InCanonicalOrder(const RDKit::ROMol& molecule) {
  try {
    return std::unique_ptr<RDKit::ROMol>(RDKit::SmilesToMol(RDKit::MolToSmiles(molecule)));
  } catch (const std::exception&) {
    return nullptr;
  }
}

// nullptr where taking the charges off leaves what is no molecule, as of an aromatic ion.
std::unique_ptr<RDKit::ROMol> Uncharged(const RDKit::ROMol& molecule) {
  try {
    RDKit::MolStandardize::Uncharger uncharger(/*canonicalOrdering=*/true);
    const std::unique_ptr<RDKit::ROMol> uncharged(uncharger.uncharge(molecule));
    return InCanonicalOrder(*uncharged);
  } catch (const std::exception&) {
    return nullptr;
  }
}

// As written where RDKit's rules leave what is no molecule.
std::unique_ptr<RDKit::ROMol> Normal(const RDKit::ROMol& molecule) {
  try {
    RDKit::MolStandardize::Normalizer normalizer;
    std::unique_ptr<RDKit::ROMol> normal(normalizer.normalize(molecule));
    if (InCanonicalOrder(*normal)) return normal;
  } catch (const std::exception&) {
  }
  return std::make_unique<RDKit::ROMol>(molecule);
}

struct Parent {
  std::unique_ptr<RDKit::ROMol> molecule;
  std::vector<std::string> notes;
};

Parent StandardParent(RDKit::RWMol molecule) {
  BreakAlkaliBonds(&molecule);
  const std::unique_ptr<RDKit::ROMol> normal = Normal(molecule);
  ChosenFragments chosen = ChooseFragments(*normal);
  Parent parent;
  parent.notes = std::move(chosen.notes);
  if (!chosen.metal) {
    parent.molecule = Uncharged(*chosen.kept);
    if (!parent.molecule) {
      parent.notes.push_back("the charges stay: without them RDKit does not read the structure");
    }
  }
  // Sums over atoms round by their order: read in canonical order, equal molecules have equal bits.
  if (!parent.molecule) parent.molecule = InCanonicalOrder(*chosen.kept);
  if (!parent.molecule) parent.molecule = std::make_unique<RDKit::ROMol>(*chosen.kept);
  return parent;
}

Parent LargestParent(const RDKit::ROMol& molecule) {
  ChosenFragments chosen = LargestByHeavyAtoms(molecule);
  return {std::make_unique<RDKit::ROMol>(*chosen.kept), std::move(chosen.notes)};
}

struct Size {
  unsigned heavy_atoms = 0;
  int rings = 0;  // independent ones: bonds - atoms + fragments
};

// Without perceiving rings or anything else that takes long.
Size SizeOf(const std::string& text) {
  RDKit::SmilesParserParams only_read;
  only_read.sanitize = false;
  only_read.removeHs = false;
  const std::unique_ptr<RDKit::ROMol> molecule(RDKit::SmilesToMol(text, only_read));
  if (!molecule) return {};
  std::vector<int> fragment_of_atom;
  const auto fragments = static_cast<int>(RDKit::MolOps::getMolFrags(*molecule, fragment_of_atom));
  return {molecule->getNumHeavyAtoms(), static_cast<int>(molecule->getNumBonds()) -
                                            static_cast<int>(molecule->getNumAtoms()) + fragments};
}

}  // namespace

absl::Status WithParent(const std::string& smiles, ParentRule rule, ParentUse use) {
  SilenceRdkit();
  if (smiles.size() > kLongestSmiles) {
    return Unparsable(smiles, absl::StrCat("found ", smiles.size(),
                                           " characters, expected at most ", kLongestSmiles));
  }
  const std::string text = SmilesIn(smiles);
  if (text.empty()) return Unparsable(smiles, "is empty");
  const std::string foreign = ForeignCharacter(text);
  if (!foreign.empty()) return Unparsable(smiles, foreign);
  try {
    const Size size = SizeOf(text);
    if (size.heavy_atoms > kMaxHeavyAtoms) {
      return Unparsable(smiles, absl::StrCat("found ", size.heavy_atoms,
                                             " heavy atoms, expected at most ", kMaxHeavyAtoms));
    }
    if (size.rings > kMaxRings) {
      return Unparsable(smiles,
                        absl::StrCat("found ", size.rings, " rings, expected at most ", kMaxRings));
    }
    const std::unique_ptr<RDKit::RWMol> molecule(RDKit::SmilesToMol(text));
    if (!molecule || molecule->getNumAtoms() == 0) return Unparsable(smiles, "cannot be parsed");
    const Parent parent =
        rule == ParentRule::kStandard ? StandardParent(*molecule) : LargestParent(*molecule);
    use(*parent.molecule, parent.notes);
    return absl::OkStatus();
  } catch (const std::bad_alloc&) {
    throw;  // no fault of the SMILES; caught where the thread's work begins
  } catch (const std::exception& error) {
    return Unparsable(smiles, error.what());
  }
}

}  // namespace unlasting::molecule
