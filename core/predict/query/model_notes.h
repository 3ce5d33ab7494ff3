// MoleculeModelNotes says in words what a model cannot know about molecules, because its training
// had too few of them, for every answer about a molecule. Stateless; any thread.
#pragma once

#include <string>
#include <vector>

#include "core/bundle/manifest.h"

namespace unlasting::predict {

// Fewer training molecules than this hardly tell a model how molecules differ.
inline constexpr int kFewMolecules = 10;

// Empty for a model of ten molecules or more at two doses or more. Molecules count by structure,
// doses over all molecules.
std::vector<std::string> MoleculeModelNotes(const bundle::Manifest& manifest);

}  // namespace unlasting::predict
