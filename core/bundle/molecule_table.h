// molecules.tsv of a bundle that was trained on embeddings from a table: a line per drug that the
// training file names, held out or not: the name, then its Ds values.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace unlasting::bundle {

using MoleculeTable = std::map<std::string, std::vector<float>>;

// Values come back to the bit.
std::string FormatMolecules(const MoleculeTable& table);
// INVALID_ARGUMENT names the line that has not `features` finite values.
absl::StatusOr<MoleculeTable> ParseMolecules(const std::string& text, int features);

}  // namespace unlasting::bundle
