// smiles_text.h takes the SMILES out of what a user gave, and finds the characters in it that no
// SMILES has. Private to core/molecule.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace unlasting::molecule {

// What stands before the first blank or '|', after leading blanks: the rest is a name or an
// extension.
std::string SmilesIn(absl::string_view text);

// Names the first character of `smiles` that is not printable ASCII, its place and what to write in
// its stead; "" where there is none. RDKit takes such a character for the end of the SMILES.
std::string ForeignCharacter(absl::string_view smiles);

// The first 80 characters, for messages: printable ASCII, other bytes as \xNN.
std::string Quotable(absl::string_view text);

}  // namespace unlasting::molecule
