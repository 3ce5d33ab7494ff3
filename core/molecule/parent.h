// parent.h finds the active molecule of a SMILES, without salts, solvents and counter-ions. Private
// to core/molecule, which RDKit's types do not leave.
#pragma once

#include <GraphMol/GraphMol.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace unlasting::molecule {

enum class ParentRule {
  // The fragment with the most heavy atoms, as written: what bundles of `morgan-count-r2-2048`
  // were trained on.
  kLargestFragment,
  // Bonds of alkali metals are broken, functional groups written one way (RDKit's Normalizer), the
  // fragment that ChooseFragments names kept, charges removed where a proton can do it and RDKit
  // reads the result. Twice gives what once gives.
  kStandard,
};

// What to do with a parent. `notes` says in words what of the SMILES is not in it, for the user.
using ParentUse =
    absl::FunctionRef<void(const RDKit::ROMol& parent, const std::vector<std::string>& notes)>;

// Calls `use` with the parent; anything after the first blank or '|' is no part of the SMILES.
// INVALID_ARGUMENT with reason UNPARSABLE_SMILES names the text, and the place of a character that
// no SMILES has; RDKit's exceptions, those of `use` included, end here.
absl::Status WithParent(const std::string& smiles, ParentRule rule, ParentUse use);

}  // namespace unlasting::molecule
