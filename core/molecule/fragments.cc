#include "core/molecule/fragments.h"

#include <GraphMol/MolOps.h>
#include <GraphMol/MolStandardize/Fragment.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/molecule/notes.h"

namespace unlasting::molecule {
namespace {

using Fragment = boost::shared_ptr<RDKit::ROMol>;

std::vector<Fragment> FragmentsOf(const RDKit::ROMol& molecule) {
  // RDKit leaks this list where it makes it itself and a fragment turns out to be no molecule.
  std::vector<int> fragment_of_atom;
  return RDKit::MolOps::getMolFrags(molecule, /*sanitizeFrags=*/true, &fragment_of_atom);
}

// A fragment that is left out and at least this large may be a drug of its own: most counter-ions
// of drugs are smaller, and a tosylate that is named without need does no harm.
constexpr unsigned kDrugSized = 7;
// Fragments named in a note; an odd SMILES may have hundreds.
constexpr size_t kMaxNamed = 5;
constexpr size_t kMaxFragmentText = 100;

bool IsAlkalineEarth(const RDKit::Atom& atom) {
  switch (atom.getAtomicNum()) {
    case 12:
    case 20:
    case 38:
    case 56:
      return true;
    default:
      return false;
  }
}

bool HoldsActiveMetal(const RDKit::ROMol& fragment) {
  const bool alone = fragment.getNumHeavyAtoms() == 1;
  for (const auto atom : fragment.atoms()) {
    if (!IsMetal(*atom) || IsAlkali(*atom)) continue;
    if (!alone || !IsAlkalineEarth(*atom)) return true;
  }
  return false;
}

// Holds carbon that is bonded to carbon or hydrogen: a carbonate and a cyanide are inorganic.
bool IsOrganic(const RDKit::ROMol& fragment) {
  for (const auto atom : fragment.atoms()) {
    if (atom->getAtomicNum() != 6) continue;
    if (atom->getTotalNumHs() > 0) return true;
    for (const auto& neighbour : fragment.atomNeighbors(atom)) {
      const int element = neighbour->getAtomicNum();
      if (element == 6 || element == 1) return true;
    }
  }
  return false;
}

bool AnyMetal(const RDKit::ROMol& molecule) {
  for (const auto atom : molecule.atoms()) {
    if (IsMetal(*atom)) return true;
  }
  return false;
}

std::string TextOf(const RDKit::ROMol& fragment) {
  const std::string text = RDKit::MolToSmiles(fragment);
  return text.size() <= kMaxFragmentText ? text
                                         : absl::StrCat(text.substr(0, kMaxFragmentText), "...");
}

// Says which fragments but `kept` there are, each once.
std::vector<std::string> NotesOn(const std::vector<Fragment>& fragments, const Fragment& kept) {
  const std::string kept_text = RDKit::MolToSmiles(*kept);
  std::map<std::string, unsigned> left_out;  // text -> heavy atoms
  for (const auto& fragment : fragments) {
    if (fragment == kept || RDKit::MolToSmiles(*fragment) == kept_text) continue;
    left_out.emplace(TextOf(*fragment), fragment->getNumHeavyAtoms());
  }
  std::vector<std::string> notes, names, drugs;
  for (const auto& [text, heavy_atoms] : left_out) {
    if (names.size() < kMaxNamed) names.push_back(text);
    if (heavy_atoms >= kDrugSized && drugs.size() < kMaxNamed) drugs.push_back(text);
  }
  if (names.empty()) return notes;
  std::string note =
      absl::StrCat(kLeftOut, " as salt, solvent or counter-ion: ", absl::StrJoin(names, ", "));
  if (left_out.size() > names.size()) {
    absl::StrAppend(&note, " and ", left_out.size() - names.size(), " more");
  }
  notes.push_back(std::move(note));
  if (!drugs.empty()) {
    notes.push_back(absl::StrCat(
        absl::StrJoin(drugs, ", "),
        " is large enough to be a drug itself; the prediction is for the kept molecule, ",
        kept_text.substr(0, kMaxFragmentText), ", alone"));
  }
  return notes;
}

ChosenFragments Whole(const RDKit::ROMol& molecule) {
  ChosenFragments chosen;
  chosen.kept.reset(new RDKit::ROMol(molecule));
  chosen.metal = true;
  return chosen;
}

bool MoreHeavyAtoms(const Fragment& a, const Fragment& b) {
  return a->getNumHeavyAtoms() < b->getNumHeavyAtoms();
}

// Rules 1 and 2 of the header; `metals` is not empty.
ChosenFragments WithMetal(const RDKit::ROMol& molecule, const std::vector<Fragment>& fragments,
                          const std::vector<Fragment>& metals) {
  const Fragment& complex = *std::max_element(metals.begin(), metals.end(), MoreHeavyAtoms);
  bool whole = complex->getNumHeavyAtoms() == 1;
  const std::string text = RDKit::MolToSmiles(*complex);
  for (const auto& other : metals) whole = whole || RDKit::MolToSmiles(*other) != text;
  for (const auto& fragment : fragments) {
    whole = whole || (IsOrganic(*fragment) && MoreHeavyAtoms(complex, fragment));
  }
  if (whole) return Whole(molecule);
  ChosenFragments chosen;
  chosen.kept = complex;
  chosen.metal = true;
  chosen.notes = NotesOn(fragments, chosen.kept);
  return chosen;
}

}  // namespace

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

bool IsMetal(const RDKit::Atom& atom) {
  const int element = atom.getAtomicNum();
  if (element < 3) return false;          // a dummy, hydrogen, helium
  if (element <= 4) return true;          // lithium, beryllium
  if (element <= 10) return false;        // boron to neon
  if (element <= 13) return true;         // sodium to aluminium
  if (element <= 18) return false;        // silicon to argon
  if (element <= 31) return true;         // potassium to gallium
  if (element <= 36) return false;        // germanium to krypton
  if (element <= 51) return true;         // rubidium to antimony
  if (element <= 54) return false;        // tellurium to xenon
  return element != 85 && element != 86;  // all but astatine and radon
}

ChosenFragments LargestByHeavyAtoms(const RDKit::ROMol& molecule) {
  const std::vector<Fragment> fragments = FragmentsOf(molecule);
  ChosenFragments chosen;
  chosen.kept = *std::max_element(fragments.begin(), fragments.end(), MoreHeavyAtoms);
  chosen.notes = NotesOn(fragments, chosen.kept);
  return chosen;
}

ChosenFragments ChooseFragments(const RDKit::ROMol& molecule) {
  const std::vector<Fragment> fragments = FragmentsOf(molecule);
  std::vector<Fragment> metals;
  bool organic = false;
  for (const auto& fragment : fragments) {
    if (HoldsActiveMetal(*fragment)) metals.push_back(fragment);
    organic = organic || IsOrganic(*fragment);
  }
  if (!metals.empty()) return WithMetal(molecule, fragments, metals);
  if (!organic && fragments.size() > 1 && AnyMetal(molecule)) return Whole(molecule);
  RDKit::MolStandardize::LargestFragmentChooser chooser;
  ChosenFragments chosen;
  chosen.kept.reset(chooser.choose(molecule));
  chosen.notes = NotesOn(fragments, chosen.kept);
  return chosen;
}

}  // namespace unlasting::molecule
