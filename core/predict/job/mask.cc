#include "core/predict/job/mask.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/base/counter_rng.h"

namespace unlasting::predict {
namespace {

// In [0, 1), by its coordinates alone.
double Uniform(uint64_t seed, uint64_t stream, uint64_t cell, uint64_t gene) {
  using diffusion::MixBits;
  const uint64_t bits = MixBits(MixBits(MixBits(MixBits(seed) ^ stream) ^ cell) ^ gene);
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

int64_t KeptCells(double share, int64_t cells) {
  return std::clamp<int64_t>(std::llround(share * static_cast<double>(cells)), 0, cells);
}

// A whole number in the place of each float, in their order; both zeros are one.
int32_t OrderOf(float value) {
  value += 0.0f;
  int32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits >= 0 ? bits : bits ^ std::numeric_limits<int32_t>::max();
}
float ValueOf(int32_t order) {
  const int32_t bits = order >= 0 ? order : order ^ std::numeric_limits<int32_t>::max();
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// The k-th largest, 1 <= k <= orders.size(). Halves the range of what it may be until k numbers lie
// above: the comparisons go several at a time, where a partial sort mispredicts a branch for each
// number.
int32_t KthLargest(int64_t k, const std::vector<int32_t>& orders) {
  constexpr int32_t kLargest = std::numeric_limits<int32_t>::max();
  int64_t low = std::numeric_limits<int32_t>::min(), high = kLargest;
  while (low < high) {
    const int64_t middle = low + (high - low + 1) / 2;
    const auto least = static_cast<int32_t>(middle);
    int32_t from = 0;
    for (const int32_t order : orders) from += order >= least ? 1 : 0;
    if (from == k) {
      int32_t smallest = kLargest;
      for (const int32_t order : orders) {
        smallest = std::min(smallest, order >= least ? order : kLargest);
      }
      return smallest;
    }
    if (from > k) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return static_cast<int32_t>(low);
}

// Calls take(gene, orders) for each gene with its values' orders. Sixteen genes, which lie together
// in every row, are read at a time.
template <typename Take>
void ForEachGene(const DenseMatrix& values, const Take& take) {
  constexpr int64_t kGenes = 16;
  std::vector<std::vector<int32_t>> columns(kGenes, std::vector<int32_t>(values.rows));
  for (int64_t first = 0; first < values.cols; first += kGenes) {
    const int64_t count = std::min(kGenes, values.cols - first);
    for (int64_t r = 0; r < values.rows; ++r) {
      const float* row = values.Row(r).data() + first;
      for (int64_t g = 0; g < count; ++g) columns[g][r] = OrderOf(row[g]);
    }
    for (int64_t g = 0; g < count; ++g) take(first + g, columns[g]);
  }
}

}  // namespace

void KeepTopShare(absl::Span<const double> share, DenseMatrix* values) {
  ForEachGene(*values, [&](int64_t gene, const std::vector<int32_t>& orders) {
    const int64_t kept = KeptCells(share[gene], values->rows);
    if (kept == values->rows) return;
    const int32_t last = kept == 0 ? std::numeric_limits<int32_t>::max() : KthLargest(kept, orders);
    // Of the cells with that value the first are kept.
    int64_t equal = kept;
    for (const int32_t order : orders) equal -= order > last ? 1 : 0;
    for (int64_t r = 0; r < values->rows; ++r) {
      const bool keep = orders[r] > last || (orders[r] == last && equal-- > 0);
      if (!keep) values->At(r, gene) = 0.0f;
    }
  });
}

std::vector<float> TopShareThresholds(const DenseMatrix& values, absl::Span<const double> share) {
  std::vector<float> thresholds(values.cols);
  ForEachGene(values, [&](int64_t gene, const std::vector<int32_t>& orders) {
    const int64_t kept = KeptCells(share[gene], values.rows);
    if (kept == 0) {
      thresholds[gene] = std::numeric_limits<float>::infinity();
    } else if (kept == values.rows) {
      // Every value is kept where all of the panel's are.
      thresholds[gene] = -std::numeric_limits<float>::infinity();
    } else {
      thresholds[gene] = ValueOf(KthLargest(kept, orders));
    }
  });
  return thresholds;
}

void KeepAbove(absl::Span<const float> threshold, DenseMatrix* values) {
  for (int64_t r = 0; r < values->rows; ++r) {
    auto row = values->Row(r);
    for (size_t g = 0; g < row.size(); ++g) {
      if (row[g] < threshold[g]) row[g] = 0.0f;
    }
  }
}

std::vector<double> MeanProbability(const DenseMatrix& probability) {
  std::vector<double> mean(probability.cols, 0.0);
  for (int64_t r = 0; r < probability.rows; ++r) {
    for (int64_t g = 0; g < probability.cols; ++g) mean[g] += probability.At(r, g);
  }
  for (double& m : mean) m /= static_cast<double>(std::max<int64_t>(probability.rows, 1));
  return mean;
}

// M^agg of Appendix A.2.
std::vector<double> PredictedActive(const DenseMatrix& probability, double threshold) {
  std::vector<double> active(probability.cols, 0.0);
  for (int64_t r = 0; r < probability.rows; ++r) {
    for (int64_t g = 0; g < probability.cols; ++g) {
      if (probability.At(r, g) >= threshold) active[g] += 1.0;
    }
  }
  for (double& share : active) share /= static_cast<double>(probability.rows);
  return active;
}

void ApplyMask(MaskMode mode, double threshold, uint64_t seed, uint64_t stream,
               const DenseMatrix& probability, DenseMatrix* values) {
  const std::vector<double> predicted_active = PredictedActive(probability, threshold);
  for (int64_t r = 0; r < values->rows; ++r) {
    auto row = values->Row(r);
    for (int64_t g = 0; g < values->cols; ++g) {
      bool active = true;
      if (mode == MaskMode::kCell) active = probability.At(r, g) >= threshold;
      if (mode == MaskMode::kAggregate) active = predicted_active[g] >= threshold;
      if (mode == MaskMode::kSample) active = Uniform(seed, stream, r, g) < predicted_active[g];
      if (!active) row[g] = 0.0f;
    }
  }
}

}  // namespace unlasting::predict
