// The held-out groups of a bundle's split, with their baselines, ready to be predicted and scored.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/bundle/manifest.h"
#include "core/cells/dataset.h"
#include "core/cells/split.h"
#include "core/evaluate/scorecard.h"
#include "core/evaluate/shift_baselines.h"

namespace unlasting::trainer {

// The data of a bundle's training file, normalised as the bundle has it, and its split.
struct HeldOut {
  cells::Dataset data;  // log1p, the bundle's genes
  cells::Split split;
  std::vector<cells::TestGroup> groups;
  evaluate::ShiftBaselines baselines;  // of the training cells
};

// Reads `path` with the columns of the bundle's settings and repeats its split (or none is test for
// `part` = train: groups of the training cells). INVALID_ARGUMENT where the file does not give the
// split that the manifest records.
absl::StatusOr<HeldOut> LoadHeldOut(const bundle::Manifest& manifest, const std::string& path,
                                    const std::string& part);

// truth, control and baselines; `predicted` left empty. At most `max_cells` cells of each (0: all),
// the first in file order.
evaluate::Group MakeGroup(const HeldOut& held_out, const cells::TestGroup& group,
                          int64_t max_cells);

// Control cells plus the mean shift, silenced by rank so that a gene is active in `active_share` of
// the cells: the strongest simple baseline known to us.
DenseMatrix MeanShiftRank(const DenseMatrix& control, const std::vector<float>& mean_shift,
                          const std::vector<float>& active_share);

// AnnData of the given cells with condition and cell_type, for `metrics` and for clients.
absl::Status ExportCells(const HeldOut& held_out, const std::vector<int64_t>& cells,
                         double target_sum, const std::string& path);

}  // namespace unlasting::trainer
