#include "core/evaluate/pair_sums.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/evaluate/pair_sums.cc"
// foreach_target.h must come before highway.h: it includes this file once per instruction set.
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#ifndef UNLASTING_EVALUATE_PAIR_SUMS_TILE_
#define UNLASTING_EVALUATE_PAIR_SUMS_TILE_
namespace unlasting::evaluate {

// Cells a tile and genes a chunk: two tiles of doubles stay in the second-level cache. Both are
// multiples of the widest vector and of the kernel's blocks.
constexpr int64_t kTile = 64;
constexpr int64_t kChunk = 256;

}  // namespace unlasting::evaluate
#endif

HWY_BEFORE_NAMESPACE();
namespace unlasting::evaluate::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class V>
HWY_INLINE void AddSquare(V x, V y, V& sum) {
  const V difference = hn::Sub(x, y);
  sum = hn::MulAdd(difference, difference, sum);
}

// squared[i * kTile + j] += |x_i - y_j|^2 over the chunk, for two tiles of [kTile, kChunk] doubles.
// Four rows by two: eight sums, six loads and a difference fit into sixteen registers.
void AddSquaredDistances(const double* HWY_RESTRICT x, const double* HWY_RESTRICT y,
                         double* HWY_RESTRICT squared) {
  const hn::CappedTag<double, 8> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < kTile; i += 4) {
    for (int64_t j = 0; j < kTile; j += 2) {
      auto s00 = hn::Zero(d), s01 = s00, s10 = s00, s11 = s00;
      auto s20 = s00, s21 = s00, s30 = s00, s31 = s00;
      const double* HWY_RESTRICT xi = x + i * kChunk;
      const double* HWY_RESTRICT yj = y + j * kChunk;
      for (int64_t g = 0; g < kChunk; g += lanes) {
        const auto y0 = hn::Load(d, yj + g);
        const auto y1 = hn::Load(d, yj + kChunk + g);
        const auto x0 = hn::Load(d, xi + g);
        AddSquare(x0, y0, s00);
        AddSquare(x0, y1, s01);
        const auto x1 = hn::Load(d, xi + kChunk + g);
        AddSquare(x1, y0, s10);
        AddSquare(x1, y1, s11);
        const auto x2 = hn::Load(d, xi + 2 * kChunk + g);
        AddSquare(x2, y0, s20);
        AddSquare(x2, y1, s21);
        const auto x3 = hn::Load(d, xi + 3 * kChunk + g);
        AddSquare(x3, y0, s30);
        AddSquare(x3, y1, s31);
      }
      double* out = squared + i * kTile + j;
      out[0] += hn::GetLane(hn::SumOfLanes(d, s00));
      out[1] += hn::GetLane(hn::SumOfLanes(d, s01));
      out[kTile] += hn::GetLane(hn::SumOfLanes(d, s10));
      out[kTile + 1] += hn::GetLane(hn::SumOfLanes(d, s11));
      out[2 * kTile] += hn::GetLane(hn::SumOfLanes(d, s20));
      out[2 * kTile + 1] += hn::GetLane(hn::SumOfLanes(d, s21));
      out[3 * kTile] += hn::GetLane(hn::SumOfLanes(d, s30));
      out[3 * kTile + 1] += hn::GetLane(hn::SumOfLanes(d, s31));
    }
  }
}

// sums[b] += sum_j weights[j] * draws[j * stride + b]; the stride is a multiple of the widest
// vector.
void AddWeighted(const float* HWY_RESTRICT weights, int64_t cells, const float* HWY_RESTRICT draws,
                 int64_t stride, float* HWY_RESTRICT sums) {
  const hn::CappedTag<float, 16> d;
  for (int64_t b = 0; b < stride; b += static_cast<int64_t>(hn::Lanes(d))) {
    auto sum = hn::LoadU(d, sums + b);
    for (int64_t j = 0; j < cells; ++j) {
      sum = hn::MulAdd(hn::Set(d, weights[j]), hn::LoadU(d, draws + j * stride + b), sum);
    }
    hn::StoreU(sum, d, sums + b);
  }
}

}  // namespace unlasting::evaluate::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "hwy/aligned_allocator.h"

namespace unlasting::evaluate {
namespace {

HWY_EXPORT(AddSquaredDistances);
HWY_EXPORT(AddWeighted);

int64_t Tiles(int64_t rows) { return (rows + kTile - 1) / kTile; }

// Rows from `row` and genes from `gene` as a [kTile, kChunk] tile, zero beyond the matrix.
void LoadTile(const DenseMatrix& matrix, int64_t row, int64_t gene, double* tile) {
  const int64_t genes = std::min(kChunk, matrix.cols - gene);
  for (int64_t i = 0; i < kTile; ++i) {
    double* out = tile + i * kChunk;
    int64_t g = 0;
    if (row + i < matrix.rows) {
      const float* in = matrix.values.data() + (row + i) * matrix.cols + gene;
      for (; g < genes; ++g) out[g] = in[g];
    }
    std::fill(out + g, out + kChunk, 0.0);
  }
}

// Pairs of the cells of one tile of X with all cells of Y; where Y is X itself, each pair of
// different cells once.
PairSums SumTileRow(const DenseMatrix& x, int64_t tile, const DenseMatrix& y, bool same,
                    const PairOptions& options) {
  const Resamples* y_draws = same ? options.x : options.y;
  const int64_t stride = options.x == nullptr ? 0 : options.x->stride();
  std::vector<float> norms(kTile);
  std::vector<float> of_cell(stride);
  const auto x_tile = hwy::AllocateAligned<double>(kTile * kChunk);
  const auto y_tile = hwy::AllocateAligned<double>(kTile * kChunk);
  std::vector<double> squared(kTile * kTile);
  PairSums sums;
  if (options.x != nullptr) sums.resampled_norm.resize(options.x->count());
  const int64_t x_row = tile * kTile;
  for (int64_t y_row = same ? x_row : 0; y_row < y.rows; y_row += kTile) {
    std::fill(squared.begin(), squared.end(), 0.0);
    for (int64_t gene = 0; gene < x.cols; gene += kChunk) {
      LoadTile(x, x_row, gene, x_tile.get());
      LoadTile(y, y_row, gene, y_tile.get());
      HWY_DYNAMIC_DISPATCH(AddSquaredDistances)(x_tile.get(), y_tile.get(), squared.data());
    }
    const int64_t x_count = std::min(kTile, x.rows - x_row);
    const int64_t y_count = std::min(kTile, y.rows - y_row);
    for (int64_t i = 0; i < x_count; ++i) {
      std::fill(of_cell.begin(), of_cell.end(), 0.0f);
      const int64_t first = same && y_row == x_row ? i + 1 : 0;
      for (int64_t j = first; j < y_count; ++j) {
        const double square = squared[i * kTile + j];
        const double norm = std::sqrt(square);
        sums.norm += norm;
        sums.squared += square;
        if (options.gamma > 0) sums.kernel += std::exp(-options.gamma * square);
        norms[j] = static_cast<float>(norm);
      }
      if (stride == 0) continue;
      HWY_DYNAMIC_DISPATCH(AddWeighted)
      (norms.data() + first, y_count - first, y_draws->Draws(y_row + first), stride,
       of_cell.data());
      // Floats hold a tile's sum; all beyond is summed in double.
      for (size_t b = 0; b < sums.resampled_norm.size(); ++b) {
        sums.resampled_norm[b] += static_cast<double>(options.x->Draws(x_row + i)[b]) * of_cell[b];
      }
    }
  }
  return sums;
}

PairSums SumPairs(const DenseMatrix& x, const DenseMatrix& y, bool same,
                  const PairOptions& options) {
  std::vector<PairSums> parts(Tiles(x.rows));
  ParallelFor(Tiles(x.rows), options.threads,
              [&](int64_t tile) { parts[tile] = SumTileRow(x, tile, y, same, options); });
  PairSums sums;
  if (options.x != nullptr) sums.resampled_norm.resize(options.x->count());
  for (const PairSums& part : parts) {
    sums.norm += part.norm;
    sums.squared += part.squared;
    sums.kernel += part.kernel;
    for (size_t b = 0; b < sums.resampled_norm.size(); ++b) {
      sums.resampled_norm[b] += part.resampled_norm[b];
    }
  }
  return sums;
}

}  // namespace

PairSums CrossPairs(const DenseMatrix& x, const DenseMatrix& y, const PairOptions& options) {
  return SumPairs(x, y, false, options);
}

PairSums WithinPairs(const DenseMatrix& x, const PairOptions& options) {
  return SumPairs(x, x, true, options);
}

}  // namespace unlasting::evaluate
#endif  // HWY_ONCE
