// Resamples draws groups of cells anew, to see how far a score would move had other cells been
// drawn.
#pragma once

#include <cstdint>
#include <vector>

namespace unlasting::evaluate {

// A 95 % interval; NaN at both ends where the score is undefined or nothing was resampled.
struct Interval {
  double low;
  double high;
  Interval();
  Interval(double low_in, double high_in) : low(low_in), high(high_in) {}
};

// Draws of `cells` cells with replacement, `count` times over. Groups of equal size and seed are
// drawn alike, row by row, so that predictions made from the same controls stay paired.
class Resamples {
 public:
  Resamples() = default;
  Resamples(int64_t cells, int count, uint64_t seed);

  int count() const { return count_; }
  // Numbers a cell in `Draws`: `count` rounded up to a whole number of vectors, zeros at the end.
  int64_t stride() const { return stride_; }
  // How often each resample holds the cell.
  const float* Draws(int64_t cell) const { return draws_.data() + cell * stride_; }
  // Ordered pairs of two different cells in a resample: n^2 less the pairs of a cell with itself
  // or with its copies, whose distance 0 would pull an unbiased within-group mean down.
  double PairsOfDifferentCells(int resample) const { return pairs_[resample]; }

 private:
  int count_ = 0;
  int64_t stride_ = 0;
  std::vector<float> draws_;
  std::vector<double> pairs_;
};

// The 2.5th to 97.5th percentile of the resampled scores, moved so that their median falls on the
// score itself: a resample repeats cells and is coarser than its group, which lifts an EMD.
Interval IntervalAround(double score, std::vector<double> resampled);

}  // namespace unlasting::evaluate
