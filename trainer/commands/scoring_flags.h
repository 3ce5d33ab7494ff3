// AddScoringFlags gives `evaluate` and `metrics` the same flags of how scores are computed.
#pragma once

#include "CLI/CLI.hpp"
#include "trainer/scoring/metrics_options.h"

namespace unlasting::trainer {

// Adds --resamples, --de-test and --rule, which write to `options`; it must outlive the parsing.
void AddScoringFlags(CLI::App* app, ScoringOptions* options);

}  // namespace unlasting::trainer
