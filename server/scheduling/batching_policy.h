// Who gets how many rows of the next step. A pure function: no clock, no threads, no state.
//
// Rules, in order:
// 1. Interactive jobs are served before bulk jobs. A bulk job that has waited for `bulk_patience`
//    counts as interactive until it is served: it has its share of one step, then waits again.
// 2. Within a class, rows are shared max-min fairly between clients, however many jobs each has:
//    nobody gets more than it can run, and what one leaves is shared by the others.
// 3. A client's rows go to its jobs by due time: arrival and `due_factor` times the job's work.
//    Small jobs overtake large ones that came shortly before them; whoever waits comes to its turn,
//    for due times never move and those of newcomers do. A bulk job whose patience is over has an
//    equal share, whatever is due before it.
// 4. What cannot be shared evenly goes to those whose turn is longest ago, then to the first to
//    arrive, so with more clients than rows every client still has its turn.
// 5. Jobs that can have all their rows in the step wait for all of it, so that it is made as small
//    as these rows and equal fairness allow, but not smaller than `efficient_rows`.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/predict/job/job_priority.h"

namespace unlasting::server {

using predict::JobPriority;

// What the policy may know of a job.
struct JobSnapshot {
  uint64_t id = 0;
  uint64_t client = 0;
  JobPriority priority = JobPriority::kInteractive;
  absl::Time arrival;
  absl::Duration waited;  // since it was last served, or arrived
  absl::Duration work;    // that the whole job takes if it is alone and steps are full
  int64_t runnable_rows = 0;
  // Number of the last allocation to this job and to its client, counting allocations in the order
  // in which AllocateStep returned them. Before the first: the number when it came, so that a
  // newcomer is not ahead of those who wait.
  uint64_t last_turn = 0;
  uint64_t client_last_turn = 0;
};

struct Allocation {
  uint64_t id = 0;
  int64_t rows = 0;  // 1 or more
};

struct PolicyOptions {
  int64_t max_rows = 64;  // of one step
  absl::Duration bulk_patience = absl::Seconds(1);
  // A step of so many rows is about as fast by the row as a full one.
  int64_t efficient_rows = 64;
  // 0: first come, first served. Large: shortest job first. docs/decisions.md has what was
  // measured.
  double due_factor = 3;
};

// At most `max_rows` rows in all. Jobs that get nothing are left out. Within a class, clients that
// got less come first, so that their next turn is earlier.
std::vector<Allocation> AllocateStep(absl::Span<const JobSnapshot> jobs,
                                     const PolicyOptions& options);

}  // namespace unlasting::server
