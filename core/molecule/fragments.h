// ChooseFragments decides which fragments of a molecule are the drug and which are salts, solvents
// and counter-ions. Private to core/molecule.
#pragma once

#include <GraphMol/GraphMol.h>

#include <string>
#include <vector>

namespace unlasting::molecule {

// Lithium to caesium: metals that stand in a drug as counter-ions, bonds drawn to them or not.
bool IsAlkali(const RDKit::Atom& atom);
// Any metal; boron, silicon, germanium, arsenic, selenium and tellurium are none.
bool IsMetal(const RDKit::Atom& atom);

struct ChosenFragments {
  boost::shared_ptr<RDKit::ROMol> kept;
  // An active metal is in `kept`: protons are no way to take its charges off.
  bool metal = false;
  std::vector<std::string> notes;  // what was left out, in words; empty where nothing was
};

// Keeps the fragment with the most heavy atoms, as it is written.
ChosenFragments LargestByHeavyAtoms(const RDKit::ROMol& molecule);

// Keeps the organic molecule, which is RDKit's largest fragment, except for metals, whose complexes
// are drugs (cisplatin) and are often written as ions beside one another. A metal is active unless
// it is an alkali or alkaline earth metal that stands alone.
// 1. Where an active metal is bonded, its fragment is kept, unless another organic fragment has
//    more heavy atoms.
// 2. Where it is not, or there are several, or rule 1 excepts it, the whole molecule is kept.
// 3. Where no fragment is organic (lithium carbonate), the whole molecule is kept if it holds a
//    metal.
ChosenFragments ChooseFragments(const RDKit::ROMol& molecule);

}  // namespace unlasting::molecule
