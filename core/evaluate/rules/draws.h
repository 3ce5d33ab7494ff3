// Draws holds the random choices of a rule's scale: which cells make the halves of a replicate, and
// which control cells stand in for the cells of the mean-response baseline.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/evaluate/rules/cell_table.h"
#include "nlohmann/json.hpp"

namespace unlasting::evaluate::rules {

struct Draws {
  // By the name of the split: for each cell of the truth 'a', 'b', or '.' for one left out.
  std::map<std::string, std::string> splits;
  // For each cell of the truth that is not control, target by target in code point order and within
  // a target in the order of the file, the control cell drawn, counted among the controls.
  std::vector<int64_t> control_rows;
  std::string source;  // where they are from, for the reader of the scores
};

// The draws of the reference program with the base seed `seed` (its rule sets 0), which takes them
// from numpy's generator; the same on every machine.
Draws GenerateDraws(const Groups& truth, uint64_t seed);

// The keys `splits_cells` ({seed: one character per cell}) and `baseline_construction`
// (`control_row_drawn`) of a JSON object. INVALID_ARGUMENT names the key, what was found, and what
// the truth's cells ask for.
absl::StatusOr<Draws> DrawsFromJson(const nlohmann::json& object, const Groups& truth,
                                    const std::string& name);

}  // namespace unlasting::evaluate::rules
