// StepTimes and ShortestCompletion tell the scheduler whether work can meet its deadline, judging
// by how long earlier steps took. There is no clock and no thread in this file.
#pragma once

#include <cstdint>
#include <map>

#include "absl/time/time.h"

namespace unlasting::server {

// How long a step takes by its number of rows: for each size class (1, 2, 3-4, 5-8 ...) a mean in
// which recent steps count more, and one that took exceptionally long counts as less. One thread at
// a time.
class StepTimes {
 public:
  void Observe(int64_t rows, absl::Duration duration);
  // How long it took to decide on a step and to take its rows back, whatever its size.
  void ObserveBetween(absl::Duration duration);
  // The mean of this size's class; where there is none, that of the nearest smaller class, which is
  // too short rather than too long, or else of the smallest class. Zero before the first
  // observation.
  absl::Duration Of(int64_t rows) const;
  // The fewest rows whose step takes nearly as little time per row as the best, with the time
  // between steps; `max_batch` before a step of that size was observed. The answer stays until
  // another is better by more than steps of equal size differ.
  int64_t EfficientRows(int64_t max_batch) const;
  // The most rows, `rows` or more, whose step takes at most `factor` times as long as one of `rows`
  // by the means observed, with the time between steps, and between two of them in proportion;
  // `max_batch` where nothing was observed.
  int64_t RowsWithin(double factor, int64_t rows, int64_t max_batch) const;
  // The least time per row of all size classes. Zero before the first observation.
  absl::Duration PerRow() const { return PerRow(absl::ZeroDuration()); }

 private:
  struct Mean {
    double rows = 0;
    absl::Duration duration;
    absl::Duration PerRow(absl::Duration between) const { return (duration + between) / rows; }
  };
  // The least time per row of all size classes, `between` steps included.
  absl::Duration PerRow(absl::Duration between) const;

  std::map<int, Mean> means_;  // by size class
  absl::Duration between_;
  mutable int efficient_class_ = -1;  // the last answer; -1 before the first
};

struct WorkEstimate {
  int64_t evaluations = 0;  // rows times steps, without those that a cache may save
  int64_t chain = 0;        // steps that must follow one another
};

struct Backlog {
  int64_t evaluations = 0;  // admitted and not yet done
  int64_t clients = 0;      // clients that share the engine
};

// The least time that `work` takes when it joins `backlog` now, if nothing else arrives, clients
// share steps fairly, and small work gets small steps. A deadline that is sooner cannot be met.
absl::Duration ShortestCompletion(const WorkEstimate& work, const Backlog& backlog,
                                  int64_t max_batch, const StepTimes& times);

}  // namespace unlasting::server
