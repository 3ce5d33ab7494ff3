// notes.h holds what the notes of a molecule are told by, for those who look for one of them.
#pragma once

namespace unlasting::molecule {

// How the note begins that names the salts, solvents and counter-ions of a SMILES.
inline constexpr char kLeftOut[] = "left out of the structure";

}  // namespace unlasting::molecule
