#include "server/batching_policy.h"

#include <algorithm>
#include <tuple>

namespace unlasting::server {
namespace {

// Shares `max_rows` among jobs in order of precedence; returns what is left.
int64_t ShareFairly(std::vector<const JobSnapshot*> jobs, int64_t max_rows,
                    std::vector<Allocation>* allocations) {
  std::sort(jobs.begin(), jobs.end(), [](const JobSnapshot* a, const JobSnapshot* b) {
    return std::tie(a->last_turn, a->arrival, a->id) < std::tie(b->last_turn, b->arrival, b->id);
  });
  std::vector<int64_t> share(jobs.size(), 0);
  int64_t left = max_rows;
  // Each round gives every unsatisfied job an equal part; a round either satisfies somebody or uses
  // up the rows, so there are at most jobs + 1 of them.
  while (left > 0) {
    int64_t wanting = 0;
    for (size_t k = 0; k < jobs.size(); ++k) wanting += share[k] < jobs[k]->runnable_rows ? 1 : 0;
    if (wanting == 0) break;
    const int64_t part = std::max<int64_t>(1, left / wanting);
    for (size_t k = 0; k < jobs.size() && left > 0; ++k) {
      const int64_t given = std::min({part, jobs[k]->runnable_rows - share[k], left});
      share[k] += given;
      left -= given;
    }
  }
  std::vector<Allocation> served;
  for (size_t k = 0; k < jobs.size(); ++k) {
    if (share[k] > 0) served.push_back({jobs[k]->id, share[k]});
  }
  std::stable_sort(served.begin(), served.end(),
                   [](const Allocation& a, const Allocation& b) { return a.rows < b.rows; });
  allocations->insert(allocations->end(), served.begin(), served.end());
  return left;
}

}  // namespace

std::vector<Allocation> AllocateStep(absl::Span<const JobSnapshot> jobs, int64_t max_rows) {
  std::vector<Allocation> allocations;
  int64_t left = max_rows;
  for (const JobPriority priority : {JobPriority::kInteractive, JobPriority::kBulk}) {
    std::vector<const JobSnapshot*> members;
    for (const JobSnapshot& job : jobs) {
      if (job.priority == priority && job.runnable_rows > 0) members.push_back(&job);
    }
    left = ShareFairly(std::move(members), left, &allocations);
  }
  return allocations;
}

}  // namespace unlasting::server
