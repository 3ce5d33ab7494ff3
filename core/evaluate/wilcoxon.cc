#include "core/evaluate/wilcoxon.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace unlasting::evaluate {
namespace {

// `cells` holds each value with whether it is the group's; sorted here.
double Score(std::vector<std::pair<float, bool>>* cells, double n, double m, bool correct_ties) {
  std::sort(cells->begin(), cells->end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  double rank_sum = 0, tied = 0;
  for (size_t first = 0; first < cells->size();) {
    size_t last = first;
    double of_group = 0;
    while (last < cells->size() && (*cells)[last].first == (*cells)[first].first) {
      of_group += (*cells)[last++].second ? 1 : 0;
    }
    const double length = static_cast<double>(last - first);
    // Ranks count from 1.
    rank_sum += of_group * (static_cast<double>(first + last) + 1) / 2;
    tied += length * length * length - length;
    first = last;
  }
  const double total = n + m;
  double variance = n * m * (total + 1) / 12;
  if (correct_ties) variance *= 1 - tied / (total * total * total - total);
  return variance > 0 ? (rank_sum - n * (total + 1) / 2) / std::sqrt(variance) : 0;
}

}  // namespace

std::vector<double> WilcoxonScores(const DenseMatrix& group, const DenseMatrix& reference,
                                   bool correct_ties) {
  std::vector<double> scores;
  std::vector<std::pair<float, bool>> cells(group.rows + reference.rows);
  for (int64_t g = 0; g < group.cols; ++g) {
    for (int64_t r = 0; r < group.rows; ++r) cells[r] = {group.At(r, g), true};
    for (int64_t r = 0; r < reference.rows; ++r) {
      cells[group.rows + r] = {reference.At(r, g), false};
    }
    scores.push_back(Score(&cells, static_cast<double>(group.rows),
                           static_cast<double>(reference.rows), correct_ties));
  }
  return scores;
}

}  // namespace unlasting::evaluate
