// Flags of how scores are computed, the same for `evaluate` and `metrics`.
#pragma once

#include "CLI/CLI.hpp"
#include "core/evaluate/differential_expression.h"

namespace unlasting::trainer {

// By whose scores cells are compared.
enum class ScoringRule { kUnlasting, kVcc2026, kCellEval };

struct ScoringFlags {
  ScoringRule rule = ScoringRule::kUnlasting;
  int resamples = 200;
  evaluate::Test test = evaluate::Test::kWelch;  // ranks the genes of the DE sets
};

// Adds --rule, --resamples and --de-test, which write to `flags`; it must outlive the parsing.
void AddScoringFlags(CLI::App* app, ScoringFlags* flags);

}  // namespace unlasting::trainer
