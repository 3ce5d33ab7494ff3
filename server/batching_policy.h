// Who gets how many rows of the next step. A pure function: no clock, no threads, no state.
//
// Rules, in order:
// 1. Interactive jobs are served before bulk jobs.
// 2. Within a class, rows are shared max-min fairly: nobody gets more than it can run, and what one
//    leaves is shared by the others.
// 3. What cannot be shared evenly goes to the jobs whose turn is longest ago, then to the first to
//    arrive, so with more jobs than rows every job still has its turn.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"

namespace unlasting::server {

enum class JobPriority { kInteractive, kBulk };

// What the policy may know of a job.
struct JobSnapshot {
  uint64_t id = 0;
  JobPriority priority = JobPriority::kInteractive;
  absl::Time arrival;
  absl::Time deadline = absl::InfiniteFuture();
  int64_t runnable_rows = 0;
  // Number of the last allocation to this job, counting allocations in the order in which
  // AllocateStep returned them, from 1; 0 before its first.
  uint64_t last_turn = 0;
};

struct Allocation {
  uint64_t id = 0;
  int64_t rows = 0;  // 1 or more
};

// At most `max_rows` rows in all. Jobs that get nothing are left out. Within a class, those that
// got less come first, so that their next turn is earlier.
std::vector<Allocation> AllocateStep(absl::Span<const JobSnapshot> jobs, int64_t max_rows);

}  // namespace unlasting::server
