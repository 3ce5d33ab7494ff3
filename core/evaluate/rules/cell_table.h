// CellTable presents one side of a comparison (the truth or a prediction) to a scoring rule, and
// Groups says which of its cells belong to which perturbation.
//
// A table does not own its rows, which may be a file larger than memory. Errors name the table by
// `name`, which is a path where the table is a file.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/cells/row_source.h"

namespace unlasting::evaluate::rules {

struct CellTable {
  std::string name;
  std::vector<std::string> genes;
  std::vector<std::string> labels;   // one per cell: a perturbation or the control
  cells::RowSource* rows = nullptr;  // [cells, genes]
};

// The perturbations in code point order, and after them the control: group `targets.size()`.
struct Groups {
  std::string control_label;
  std::vector<std::string> targets;
  std::vector<int32_t> of_cell;  // per cell
  std::vector<int64_t> cells;    // per group, the control's last

  int64_t control() const { return static_cast<int64_t>(targets.size()); }
};

// The groups of the two sides, in the same order. INVALID_ARGUMENT names what makes the sides
// incomparable: other genes or another order of them, a gene twice, a cell without a label, no
// control on one side, no perturbation, or a perturbation that one side lacks.
struct MatchedGroups {
  Groups truth, predicted;
  std::vector<int64_t> own_gene;  // per target: the column of its name, -1 where none has it
};
absl::StatusOr<MatchedGroups> MatchGroups(const CellTable& truth, const CellTable& predicted,
                                          const std::string& control_label);

}  // namespace unlasting::evaluate::rules
