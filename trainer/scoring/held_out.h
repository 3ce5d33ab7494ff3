// LoadHeldOut reads the held-out groups of a bundle's split, with their baselines, for whoever
// predicts and scores them: evaluate, and fit for the model card.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/bundle/manifest.h"
#include "core/cells/dataset.h"
#include "core/cells/normalised_file.h"
#include "core/cells/split.h"
#include "core/evaluate/scorer.h"
#include "core/evaluate/shift_baselines.h"
#include "core/report/report.h"

namespace unlasting::trainer {

// Part of a bundle's training file, normalised as the bundle was trained: annotations of all cells,
// values of the groups' cells alone.
struct HeldOut {
  cells::Dataset annotations;            // of all cells of the file, without values
  std::vector<std::string> genes;        // of the bundle
  std::vector<cells::TestGroup> groups;  // rows of the file
  cells::ChosenRows values{0};           // of the groups' cells, log1p
  std::vector<double> library_sizes;     // of all cells of the file
  evaluate::ShiftBaselines baselines;    // of the training cells
  // Training cells of the groups' own conditions and cell types, where training had both together;
  // by condition and cell type, rows of the file. Empty where training cells are scored.
  std::map<std::pair<int32_t, int32_t>, std::vector<int64_t>> replay;
  std::vector<report::TrainedDose> trained_doses;
};

// Reads `path` with the columns of the bundle's settings and repeats its split. `part` is test, for
// the held-out groups, or train, for those of the training cells. Of each group the first
// `max_cells` true, control and replayed cells in file order are kept (0: all). INVALID_ARGUMENT
// where the file does not give the split that the manifest records, or where no group is held out.
absl::StatusOr<HeldOut> LoadHeldOut(const bundle::Manifest& manifest, const std::string& path,
                                    const std::string& part, int64_t max_cells);

// The group with its truth, control and baselines; `predicted` is left empty.
evaluate::Group MakeGroup(const HeldOut& held_out, const cells::TestGroup& group);

// Control cells plus the mean shift, [cells, genes], where each gene is set to zero in its
// lowest-ranking cells so that it stays active in `active_share` of them: the strongest simple
// baseline known to us.
DenseMatrix MeanShiftRank(const DenseMatrix& control, const std::vector<float>& mean_shift,
                          const std::vector<float>& active_share);

// Writes the cells of the groups, their control cells and the training cells to truth.h5ad,
// control.h5ad and training.h5ad in `directory`, for `metrics` and for clients. Takes the memory of
// all cells over the bundle's genes.
absl::Status ExportHeldOut(const bundle::Manifest& manifest, const std::string& path,
                           const std::string& part, const std::string& directory);

}  // namespace unlasting::trainer
