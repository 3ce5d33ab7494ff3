// `unlasting-train metrics`: scores predicted cells, from any tool, against true cells.
#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "core/cells/dataset.h"
#include "trainer/commands/scoring_flags.h"

namespace unlasting::trainer {

struct MetricsOptions {
  std::string predicted;  // log1p values; conditions and cell types say what is scored
  std::string truth;      // may hold more conditions than were predicted
  std::string control;    // may be the same file as `truth`; "" takes the controls of `truth`
  std::string training;   // "" leaves the mean-shift baseline out
  // Columns and the control's name, the same in all files. `matrix` (auto, counts, log1p) holds for
  // all but the predictions: counts are normalised to `target_sum` and logged.
  cells::LoadOptions columns;
  // Counts a cell; 0 takes uns/unlasting/target_sum of the predictions, or where they do not say
  // the median of the cells of `truth` and `control`.
  double target_sum = 0;
  int threads = 0;    // 0: one for each processor
  uint64_t seed = 0;  // of the halves of the ceiling and of the resamples
  ScoringFlags scoring;
  // JSON with the random choices of --rule vcc2026; "" draws them by `seed`.
  std::string draws;
  bool json = false;
  std::string report;  // HTML page; "" writes none
};

// Scores go to `out`, remarks (genes and groups left out, what was normalised) to `err`, a line
// each. Errors name the file and what was found and expected.
absl::Status RunMetrics(const MetricsOptions& options, std::ostream& out, std::ostream& err);

}  // namespace unlasting::trainer
