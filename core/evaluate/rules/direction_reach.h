// DirectionReach scores how far down the prediction's own ranking of the truly changed genes their
// directions stay right.
#pragma once

#include <string>
#include <vector>

#include "core/evaluate/rules/tested_genes.h"

namespace unlasting::evaluate::rules {

// The share of right directions that a prefix of the ranking must keep.
constexpr double kReachPurity = 0.9;

struct Reach {
  int64_t depth = 0;  // k*: the longest prefix that is pure enough
  double value = 0;   // k* / N_conf; NaN where no gene is significant in the truth
};
// `genes` names the genes, which break the last ties of the ranking.
Reach DirectionReach(const TestedGenes& truth, const TestedGenes& predicted,
                     const std::vector<std::string>& genes);

}  // namespace unlasting::evaluate::rules
