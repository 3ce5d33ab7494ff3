// Whether work can be done in time, from how long steps took. No clock and no threads here.
#pragma once

#include <cstdint>
#include <map>

#include "absl/time/time.h"

namespace unlasting::server {

// How long a step of so many rows takes: for each size class (1, 2, 3-4, 5-8 ...) a mean in which
// recent steps count more. One thread at a time.
class StepTimes {
 public:
  void Observe(int64_t rows, absl::Duration duration);
  // The mean of this size's class, else of the nearest smaller one, which is too little rather than
  // too much, else of the smallest there is. Zero before the first observation.
  absl::Duration Of(int64_t rows) const;
  // The fewest rows whose step is nearly as fast by the row as the fastest; `max_batch` before a
  // step of that size was seen.
  int64_t EfficientRows(int64_t max_batch) const;
  // What a row takes in the steps that are fastest by the row. Zero before the first observation.
  absl::Duration PerRow() const;

 private:
  struct Mean {
    double rows = 0;
    absl::Duration duration;
    absl::Duration PerRow() const { return duration / rows; }
  };
  std::map<int, Mean> means_;  // by size class
};

struct WorkEstimate {
  int64_t evaluations = 0;  // rows times steps that cannot be saved
  int64_t chain = 0;        // steps that must follow one another
};

struct Backlog {
  int64_t evaluations = 0;  // admitted and not made
  int64_t clients = 0;      // that share the engine
};

// The least time that `work` takes when it joins `backlog` now: nothing else comes, clients
// share steps fairly, and small work gets small steps. What this says cannot be met, cannot.
absl::Duration ShortestCompletion(const WorkEstimate& work, const Backlog& backlog,
                                  int64_t max_batch, const StepTimes& times);

}  // namespace unlasting::server
