#include "core/evaluate/multiple_testing.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace unlasting::evaluate {

std::vector<double> BenjaminiHochberg(const std::vector<double>& p) {
  std::vector<int64_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double smallest = 1.0;
  for (int64_t rank = static_cast<int64_t>(p.size()); rank >= 1; --rank) {
    const int64_t test = order[rank - 1];
    const double scaled = p[test] * static_cast<double>(p.size()) / static_cast<double>(rank);
    smallest = std::min(smallest, scaled);
    adjusted[test] = smallest;
  }
  return adjusted;
}

}  // namespace unlasting::evaluate
