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

 private:
  std::map<int, absl::Duration> means_;  // by size class
};

struct WorkEstimate {
  int64_t evaluations = 0;  // rows times steps that cannot be saved
  int64_t chain = 0;        // steps that must follow one another
};

struct Backlog {
  int64_t evaluations = 0;  // admitted and not made
  int64_t clients = 0;      // that share the engine
};

// The least time that `work` takes when it joins `backlog` now: nothing else comes, and the rows of
// each step are shared fairly. What this says cannot be met, cannot.
absl::Duration ShortestCompletion(const WorkEstimate& work, const Backlog& backlog,
                                  int64_t max_batch, const StepTimes& times);

}  // namespace unlasting::server
