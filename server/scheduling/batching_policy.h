// AllocateStep decides for the scheduler which jobs get how many rows of the next step. It is a
// pure function: no clock, no threads, no state.
//
// Rules, in order:
// 1. Interactive jobs are served before bulk jobs. A bulk job that has waited for `bulk_patience`
//    counts as interactive until it is served: it has its share of one step, then waits again.
//    Bulk jobs fill a step that interactive jobs are in only as far as `rows_beside` says, since
//    those wait for all of it.
// 2. Within a class, rows are shared max-min fairly between clients, however many jobs each has: no
//    client gets more rows than it can run, and what one client leaves is shared by the others.
// 3. A client's rows go to its jobs by due time, which is the arrival plus `due_factor` times the
//    job's work. Small jobs overtake large ones that arrived shortly before them; every job has its
//    turn in the end, because its due time never moves and newcomers are due later and later. A
//    bulk job whose patience is over has an equal share, whatever is due before it.
// 4. Rows that cannot be shared evenly go to those whose last turn is longest ago, then to the
// first
//    to arrive, so that every client has its turn even where there are more clients than rows.
// 5. A job that has all its rows in the step must wait for the whole step. A step in which the job
//    of a client that is due first is such a job is therefore made as small as the smallest of them
//    and equal fairness allow, but not smaller than `efficient_rows`. Where several clients are in
//    the step, it is filled up to `efficient_rows` only as far as `rows_beside` says: what one
//    client sends, be it thousands of jobs of one row, does not make the steps of another long.
#pragma once

#include <cstdint>
#include <functional>
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
  absl::Duration waited;  // since it was last served, or since it arrived
  absl::Duration work;    // time that the whole job takes if it is alone and steps are full
  int64_t runnable_rows = 0;
  // Numbers of the latest allocations to this job and to its client, counting allocations in the
  // order in which AllocateStep returned them. Before its first allocation a job has the number
  // that was the latest when it arrived, so that a newcomer is not ahead of those who wait.
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
  // Rows from which on a step takes about as little time per row as a full step.
  int64_t efficient_rows = 64;
  // The most rows of a step in which the jobs that wait for it need so many; empty: all that fit.
  std::function<int64_t(int64_t needed_rows)> rows_beside;
  // 0 is first come, first served; large values are shortest job first. docs/decisions.md has the
  // measurements.
  double due_factor = 3;
};

// Allocates at most `max_rows` rows in all. Jobs that get none are left out. Within a class,
// clients that got fewer rows come first, so that their next turn is earlier.
std::vector<Allocation> AllocateStep(absl::Span<const JobSnapshot> jobs,
                                     const PolicyOptions& options);

}  // namespace unlasting::server
