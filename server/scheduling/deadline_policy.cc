#include "server/scheduling/deadline_policy.h"

#include <algorithm>

namespace unlasting::server {
namespace {

constexpr double kNewest = 0.1;  // weight of the latest step in a mean
// A step that the machine interrupted may take a hundred times as long as its kind: it counts as so
// many times the mean, so that one moves the mean by a fifth and a few in a row still change it.
constexpr double kLongestCounted = 3;
constexpr double kNearlyAsFast = 0.9;  // share of the best rate, in rows per second
constexpr double kStillAsFast = 0.75;  // of a size that was nearly as fast before

int SizeClass(int64_t rows) {
  int size_class = 0;
  while ((int64_t{1} << size_class) < rows) ++size_class;
  return size_class;
}

void MoveMean(absl::Duration observed, absl::Duration* mean) {
  if (*mean > absl::ZeroDuration()) observed = std::min(observed, kLongestCounted * *mean);
  *mean += kNewest * (observed - *mean);
}

int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

void StepTimes::Observe(int64_t rows, absl::Duration duration) {
  const Mean observed = {static_cast<double>(rows), duration};
  const auto [place, first] = means_.emplace(SizeClass(rows), observed);
  Mean& mean = place->second;
  if (first) return;
  mean.rows += kNewest * (observed.rows - mean.rows);
  MoveMean(duration, &mean.duration);
}

void StepTimes::ObserveBetween(absl::Duration duration) {
  if (between_ == absl::ZeroDuration()) {
    between_ = duration;
  } else {
    MoveMean(duration, &between_);
  }
}

absl::Duration StepTimes::Of(int64_t rows) const {
  if (means_.empty()) return absl::ZeroDuration();
  const auto above = means_.upper_bound(SizeClass(rows));
  return (above == means_.begin() ? above : std::prev(above))->second.duration;
}

int64_t StepTimes::EfficientRows(int64_t max_batch) const {
  if (means_.count(SizeClass(max_batch)) == 0) return max_batch;
  const absl::Duration best = PerRow(between_);
  const absl::Duration enough = best / kNearlyAsFast;
  const auto rows_of = [max_batch](int size_class) {
    return std::min(max_batch, int64_t{1} << size_class);
  };
  const auto last = means_.find(efficient_class_);
  const bool stays = last != means_.end() && last->second.PerRow(between_) <= best / kStillAsFast;
  for (const auto& [size_class, mean] : means_) {
    if (mean.PerRow(between_) > enough) continue;
    // A smaller size that has become as fast is taken only where it is as fast for good.
    if (!stays || (size_class < efficient_class_ && mean.PerRow(between_) <= best)) {
      efficient_class_ = size_class;
    }
    return rows_of(efficient_class_);
  }
  return max_batch;
}

int64_t StepTimes::RowsWithin(double factor, int64_t rows, int64_t max_batch) const {
  if (means_.empty()) return max_batch;
  const absl::Duration most = factor * (Of(rows) + between_) - between_;
  int64_t within = rows;
  const Mean* below = nullptr;  // the nearest smaller size
  for (const auto& [size_class, mean] : means_) {
    if (mean.duration <= most) {
      within = std::max(within, int64_t{1} << size_class);
    } else if (below != nullptr && below->duration <= most) {
      const double part =
          absl::FDivDuration(most - below->duration, mean.duration - below->duration);
      const double between = below->rows + part * (mean.rows - below->rows);
      within = std::max(within, static_cast<int64_t>(between));
    }
    below = &mean;
  }
  return std::min(within, max_batch);
}

absl::Duration StepTimes::PerRow(absl::Duration between) const {
  if (means_.empty()) return absl::ZeroDuration();
  absl::Duration least = absl::InfiniteDuration();
  for (const auto& [size_class, mean] : means_) least = std::min(least, mean.PerRow(between));
  return least;
}

absl::Duration ShortestCompletion(const WorkEstimate& work, const Backlog& backlog,
                                  int64_t max_batch, const StepTimes& times) {
  // The chain of steps, each made for this work alone.
  const int64_t chain = std::max<int64_t>(1, work.chain);
  const int64_t own_rows = std::clamp<int64_t>(work.evaluations / chain, 1, max_batch);
  const absl::Duration in_a_row = static_cast<double>(chain) * times.Of(own_rows);
  // Its share of full steps. A client that is done leaves its share to the others, so that no work
  // waits for more than all the work there is.
  const int64_t share = std::max<int64_t>(1, max_batch / (backlog.clients + 1));
  const int64_t all = work.evaluations + backlog.evaluations;
  const int64_t steps =
      std::max<int64_t>(1, std::min(DivideUp(work.evaluations, share), DivideUp(all, max_batch)));
  const int64_t rows = std::clamp<int64_t>(all / steps, 1, max_batch);
  return std::max(in_a_row, static_cast<double>(steps) * times.Of(rows));
}

}  // namespace unlasting::server
