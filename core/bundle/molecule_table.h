// molecules.tsv and treatments.tsv of a bundle that was trained on vectors from a table: a line per
// drug or treatment that the training file names, held out or not: the name, then its values.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace unlasting::bundle {

inline constexpr char kMoleculesFile[] = "molecules.tsv";
inline constexpr char kTreatmentsFile[] = "treatments.tsv";

using MoleculeTable = std::map<std::string, std::vector<float>>;

// Values come back to the bit.
std::string FormatMolecules(const MoleculeTable& table);
// INVALID_ARGUMENT names the line that has not `features` finite values.
absl::StatusOr<MoleculeTable> ParseMolecules(const std::string& text, int features);

}  // namespace unlasting::bundle
