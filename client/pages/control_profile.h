// ControlProfile brings the control cells of a request onto the scale on which their predictions
// came, so that a page can show the two beside each other. The server keeps its own copy to itself:
// what is computed here is checked against the means that it sends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"
#include "core/cells/control_matrix.h"
#include "unlasting/v1/model_service.pb.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

struct ControlProfile {
  DenseMatrix cells;          // [some cells, columns], log1p as the profiles, or of plain counts
  std::vector<double> share;  // per column, of all cells that have a value above 0
};

// Evenly chosen rows, at most `most`, of cells 0 to `count` - 1.
std::vector<int64_t> SomeRows(int64_t count, int64_t most);

// `columns` of PredictHeader.genes, none of them filled in. With VALUE_KIND_DRAWN_COUNTS the cells
// are log1p of their counts. FAILED_PRECONDITION, in a sentence for the page, where the cells
// cannot be brought to that scale, or their means are not those of `summary`.
absl::StatusOr<ControlProfile> MakeControlProfile(
    const cells::ControlMatrix& controls, const v1::Model& model, const v1::PredictHeader& header,
    const v1::PerturbationSummary& summary, const std::vector<int64_t>& columns, int64_t most);

}  // namespace unlasting::client
