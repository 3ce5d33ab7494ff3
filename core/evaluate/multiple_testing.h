// BenjaminiHochberg adjusts the p values of many tests for every table of this project.
#pragma once

#include <vector>

namespace unlasting::evaluate {

// Returns each p value times the number of tests over its rank, made monotone from the largest p
// down, at most 1. Contract: no p is NaN.
std::vector<double> BenjaminiHochberg(const std::vector<double>& p);

}  // namespace unlasting::evaluate
