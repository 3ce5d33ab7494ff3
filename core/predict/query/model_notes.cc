#include "core/predict/query/model_notes.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace unlasting::predict {

std::vector<std::string> MoleculeModelNotes(const bundle::Manifest& manifest) {
  std::set<std::string> structures;
  // As text of six digits: doses are written in many units, and their last bits do not count.
  std::set<std::string> doses;
  for (const bundle::KnownMolecule& molecule : manifest.molecules) {
    structures.insert(molecule.smiles.empty() ? molecule.name : molecule.smiles);
    for (const double dose : molecule.doses_um) doses.insert(absl::StrFormat("%.6g", dose));
  }
  std::vector<std::string> notes;
  if (structures.size() == 1) {
    notes.push_back(absl::StrCat("the model was trained on one molecule, ",
                                 manifest.molecules.front().name,
                                 ": its prediction does not depend on the molecule"));
  } else if (!structures.empty() && structures.size() < kFewMolecules) {
    notes.push_back(absl::StrCat("the model was trained on ", structures.size(),
                                 " molecules, fewer than ", kFewMolecules,
                                 ": it can hardly tell new molecules apart"));
  }
  if (doses.size() == 1) {
    notes.push_back(absl::StrCat("the model was trained on one dose, ", *doses.begin(),
                                 " uM: its prediction does not depend on the dose"));
  }
  return notes;
}

}  // namespace unlasting::predict
