#include "server/batching_policy.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

namespace unlasting::server {
namespace {

using Jobs = std::vector<const JobSnapshot*>;

// Max-min fair parts of `rows` for demands in order of precedence.
std::vector<int64_t> ShareFairly(const std::vector<int64_t>& demands, int64_t rows) {
  std::vector<int64_t> shares(demands.size(), 0);
  // Each round gives every unsatisfied demand an equal part; a round either satisfies one or uses
  // up the rows, so there are at most demands + 1 of them.
  while (rows > 0) {
    int64_t wanting = 0;
    for (size_t k = 0; k < demands.size(); ++k) wanting += shares[k] < demands[k] ? 1 : 0;
    if (wanting == 0) break;
    const int64_t part = std::max<int64_t>(1, rows / wanting);
    for (size_t k = 0; k < demands.size() && rows > 0; ++k) {
      const int64_t given = std::min({part, demands[k] - shares[k], rows});
      shares[k] += given;
      rows -= given;
    }
  }
  return shares;
}

// Places of `shares` with more than nothing, least first.
std::vector<size_t> ServedInOrder(const std::vector<int64_t>& shares) {
  std::vector<size_t> order(shares.size());
  std::iota(order.begin(), order.end(), 0);
  order.erase(std::remove_if(order.begin(), order.end(), [&](size_t k) { return shares[k] == 0; }),
              order.end());
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return shares[a] < shares[b]; });
  return order;
}

int64_t Demand(const Jobs& jobs) {
  return std::accumulate(
      jobs.begin(), jobs.end(), int64_t{0},
      [](int64_t sum, const JobSnapshot* job) { return sum + job->runnable_rows; });
}

void ShareBetweenJobs(Jobs jobs, int64_t rows, std::vector<Allocation>* allocations) {
  std::sort(jobs.begin(), jobs.end(), [](const JobSnapshot* a, const JobSnapshot* b) {
    return std::tie(a->last_turn, a->arrival, a->id) < std::tie(b->last_turn, b->arrival, b->id);
  });
  std::vector<int64_t> demands;
  for (const JobSnapshot* job : jobs) demands.push_back(job->runnable_rows);
  const std::vector<int64_t> shares = ShareFairly(demands, rows);
  for (const size_t k : ServedInOrder(shares)) allocations->push_back({jobs[k]->id, shares[k]});
}

// Returns what is left of `rows`.
int64_t ShareBetweenClients(const Jobs& jobs, int64_t rows, std::vector<Allocation>* allocations) {
  std::map<uint64_t, Jobs> jobs_of;
  for (const JobSnapshot* job : jobs) jobs_of[job->client].push_back(job);
  std::vector<const Jobs*> clients;
  for (const auto& [client, its_jobs] : jobs_of) clients.push_back(&its_jobs);
  const auto precedence = [](const Jobs* client) {
    absl::Time arrival = absl::InfiniteFuture();
    for (const JobSnapshot* job : *client) arrival = std::min(arrival, job->arrival);
    return std::make_tuple(client->front()->client_last_turn, arrival, client->front()->client);
  };
  std::sort(clients.begin(), clients.end(),
            [&precedence](const Jobs* a, const Jobs* b) { return precedence(a) < precedence(b); });
  std::vector<int64_t> demands;
  for (const Jobs* client : clients) demands.push_back(Demand(*client));
  const std::vector<int64_t> shares = ShareFairly(demands, rows);
  for (const size_t k : ServedInOrder(shares)) {
    ShareBetweenJobs(*clients[k], shares[k], allocations);
    rows -= shares[k];
  }
  return rows;
}

}  // namespace

std::vector<Allocation> AllocateStep(absl::Span<const JobSnapshot> jobs,
                                     const PolicyOptions& options) {
  Jobs first, second;
  for (const JobSnapshot& job : jobs) {
    if (job.runnable_rows <= 0) continue;
    const bool waits = job.priority == JobPriority::kBulk && job.waited < options.bulk_patience;
    (waits ? second : first).push_back(&job);
  }
  std::vector<Allocation> allocations;
  const int64_t left = ShareBetweenClients(first, options.max_rows, &allocations);
  ShareBetweenClients(second, left, &allocations);
  return allocations;
}

}  // namespace unlasting::server
