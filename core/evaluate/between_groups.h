// AddScoresBetweenGroups sets a group's prediction against the other groups of its cell type: does
// the prediction say which perturbation it is? Private to core/evaluate.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/evaluate/scorecard.h"

namespace unlasting::evaluate {

// Mean profiles [genes] of one group: the true cells', and each method's by name ("" is the model).
struct GroupMeans {
  std::string cell_type;
  std::vector<double> truth;
  std::map<std::string, std::vector<double>> methods;
};

// Adds pearson_delta_perturbed.all and discrimination.all to the model and the baselines of every
// group that shares its cell type with another. `means` and `groups` are in the same order.
void AddScoresBetweenGroups(const std::vector<GroupMeans>& means, std::vector<GroupScores>* groups);

}  // namespace unlasting::evaluate
