// The held-out groups of a bundle's split, with their baselines, ready to be predicted and scored.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/bundle/manifest.h"
#include "core/cells/dataset.h"
#include "core/cells/normalised_file.h"
#include "core/cells/split.h"
#include "core/evaluate/scorecard.h"
#include "core/evaluate/shift_baselines.h"
#include "core/report/report.h"

namespace unlasting::trainer {

// Of a bundle's training file, normalised as the bundle has it: of its values, the cells of the
// groups alone.
struct HeldOut {
  cells::Dataset annotations;            // of all cells of the file, without values
  std::vector<std::string> genes;        // the bundle's
  std::vector<cells::TestGroup> groups;  // rows of the file
  cells::ChosenRows values{0};           // theirs, log1p
  evaluate::ShiftBaselines baselines;    // of the training cells
  std::vector<report::TrainedDose> trained_doses;
};

// Reads `path` with the columns of the bundle's settings and repeats its split (or none is test for
// `part` = train: groups of the training cells). At most `max_cells` true and control cells of each
// group (0: all), the first in file order. INVALID_ARGUMENT where the file does not give the split
// that the manifest records, or where nothing is held out.
absl::StatusOr<HeldOut> LoadHeldOut(const bundle::Manifest& manifest, const std::string& path,
                                    const std::string& part, int64_t max_cells);

// truth, control and baselines; `predicted` left empty.
evaluate::Group MakeGroup(const HeldOut& held_out, const cells::TestGroup& group);

// Control cells plus the mean shift, silenced by rank so that a gene is active in `active_share` of
// the cells: the strongest simple baseline known to us.
DenseMatrix MeanShiftRank(const DenseMatrix& control, const std::vector<float>& mean_shift,
                          const std::vector<float>& active_share);

// Writes the cells of the groups, their control cells and the training cells as truth.h5ad,
// control.h5ad and training.h5ad to `directory`, for `metrics` and for clients. Holds all cells
// over the bundle's genes.
absl::Status ExportHeldOut(const bundle::Manifest& manifest, const std::string& path,
                           const std::string& part, const std::string& directory);

}  // namespace unlasting::trainer
