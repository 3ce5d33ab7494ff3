#include "core/evaluate/resampled_emd.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/parallel.h"

namespace unlasting::evaluate {
namespace {

// A cell whose gene is not silent: its value, its draws, and what a draw adds to the difference of
// the two distribution functions.
struct Entry {
  float value;
  float weight;
  const float* draws;
};

void AddEntries(const DenseMatrix& cells, const Resamples& resamples, int64_t gene, float sign,
                std::vector<Entry>* entries) {
  const float weight = sign / static_cast<float>(cells.rows);
  for (int64_t r = 0; r < cells.rows; ++r) {
    const float value = cells.At(r, gene);
    if (value != 0) entries->push_back({value, weight, resamples.Draws(r)});
  }
}

// Adds the area between the distribution functions from the outermost entry inwards to 0. Silent
// cells, the bulk of a gene, need no entry: from outside the difference at 0 is known.
void AddArea(const std::vector<Entry>& entries, int64_t stride, std::vector<float>* difference,
             float* area) {
  std::fill(difference->begin(), difference->end(), 0.0f);
  float* const d = difference->data();
  for (size_t k = 0; k < entries.size(); ++k) {
    const float weight = entries[k].weight;
    const float* const draws = entries[k].draws;
    const float next = k + 1 < entries.size() ? entries[k + 1].value : 0.0f;
    const float width = std::abs(entries[k].value - next);
    for (int64_t b = 0; b < stride; ++b) {
      d[b] += weight * draws[b];
      area[b] += width * std::abs(d[b]);
    }
  }
}

}  // namespace

std::vector<float> ResampledEmd(const DenseMatrix& x, const Resamples& x_draws,
                                const DenseMatrix& y, const Resamples& y_draws, int threads) {
  const int64_t count = x_draws.count(), stride = x_draws.stride();
  std::vector<float> emd(x.cols * count);
  ParallelFor(x.cols, threads, [&](int64_t gene) {
    std::vector<Entry> entries;
    AddEntries(x, x_draws, gene, 1, &entries);
    AddEntries(y, y_draws, gene, -1, &entries);
    const auto positive = std::partition(entries.begin(), entries.end(),
                                         [](const Entry& entry) { return entry.value < 0; });
    std::vector<Entry> below(entries.begin(), positive), above(positive, entries.end());
    std::sort(below.begin(), below.end(),
              [](const Entry& a, const Entry& b) { return a.value < b.value; });
    std::sort(above.begin(), above.end(),
              [](const Entry& a, const Entry& b) { return a.value > b.value; });
    std::vector<float> difference(stride), area(stride);
    AddArea(below, stride, &difference, area.data());
    AddArea(above, stride, &difference, area.data());
    std::copy_n(area.begin(), count, emd.begin() + gene * count);
  });
  return emd;
}

}  // namespace unlasting::evaluate
