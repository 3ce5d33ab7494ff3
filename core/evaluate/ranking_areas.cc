#include "core/evaluate/ranking_areas.h"

#include <algorithm>

namespace unlasting::evaluate {

RankingAreas AreasOf(std::vector<std::pair<double, bool>> numbers) {
  const auto positives = static_cast<double>(std::count_if(
      numbers.begin(), numbers.end(), [](const auto& number) { return number.second; }));
  const double negatives = static_cast<double>(numbers.size()) - positives;
  if (positives == 0 || negatives == 0) return {};
  std::sort(numbers.begin(), numbers.end());
  RankingAreas areas = {0, 0};
  double found = 0, wrong = 0;
  for (size_t first = 0; first < numbers.size();) {
    size_t last = first;
    double hits = 0;
    while (last < numbers.size() && numbers[last].first == numbers[first].first) {
      hits += numbers[last++].second ? 1 : 0;
    }
    const double misses = static_cast<double>(last - first) - hits;
    // Positives found before a negative win the pair; those of the same number win half of it.
    areas.roc += misses * (found + hits / 2);
    found += hits;
    wrong += misses;
    areas.precision_recall += hits / positives * found / (found + wrong);
    first = last;
  }
  areas.roc /= positives * negatives;
  return areas;
}

}  // namespace unlasting::evaluate
