// What `unlasting-train metrics` is asked to score, and how. No parser of flags is included, so
// that the rooms below the commands can take it.
#pragma once

#include <cstdint>
#include <string>

#include "core/cells/dataset.h"
#include "core/evaluate/differential_expression.h"

namespace unlasting::trainer {

// By whose scores `metrics` and `evaluate` compare cells.
enum class ScoringRule { kUnlasting, kVcc2026, kCellEval };

// How scores are computed, the same for `evaluate` and `metrics`.
struct ScoringOptions {
  int resamples = 200;                           // bootstrap; 0: no intervals
  evaluate::Test test = evaluate::Test::kWelch;  // ranks the genes of the DE sets
  ScoringRule rule = ScoringRule::kUnlasting;
};

struct MetricsOptions {
  std::string predicted;  // log1p values; its conditions and cell types are those scored
  std::string truth;      // may hold more conditions than were predicted
  std::string control;    // may be the same file as `truth`; "" takes the controls of `truth`
  std::string training;   // "": no mean-shift baseline
  // Columns and the name of the control, the same in all files. `matrix` (auto, counts, log1p) is
  // that of all files but the predictions: counts are normalised to `target_sum` and logged.
  cells::LoadOptions columns;
  // What the predictions hold: auto (log1p, unless they are whole numbers, which are refused),
  // counts or log1p.
  std::string predicted_matrix = "auto";
  // Counts per cell. 0: what the predictions' log1p values were normalised to
  // (uns/unlasting/target_sum, or found out), else what those of `truth` or `control` were, else
  // the median of the counts of the cells of `truth` and `control`.
  double target_sum = 0;
  int threads = 0;    // 0: one per processor
  uint64_t seed = 0;  // of the halves of the ceiling and of the resamples
  ScoringOptions scoring;
  // JSON with the random choices of the rule vcc2026; "" draws them by `seed`.
  std::string draws;
  bool json = false;
  std::string report;  // the HTML page to write; "": none
};

}  // namespace unlasting::trainer
