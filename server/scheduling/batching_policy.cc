#include "server/scheduling/batching_policy.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

namespace unlasting::server {
namespace {

using Jobs = std::vector<const JobSnapshot*>;

// The jobs of a class that belong to one client.
struct Client {
  Jobs jobs;  // by due time
  int64_t demand = 0;
  absl::Time arrival = absl::InfiniteFuture();  // of the earliest
};

// Shares `rows` max-min fairly between demands, which are in order of precedence.
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

// Indices of the shares above zero, the smallest share first.
std::vector<size_t> ServedInOrder(const std::vector<int64_t>& shares) {
  std::vector<size_t> order(shares.size());
  std::iota(order.begin(), order.end(), 0);
  order.erase(std::remove_if(order.begin(), order.end(), [&](size_t k) { return shares[k] == 0; }),
              order.end());
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return shares[a] < shares[b]; });
  return order;
}

bool HasAged(const JobSnapshot& job, const PolicyOptions& options) {
  return job.priority == JobPriority::kBulk && job.waited >= options.bulk_patience;
}

// Sorts `jobs` by due time, which is computed once for each: there may be hundreds.
void SortByDueTime(const PolicyOptions& options, Jobs* jobs) {
  std::vector<std::pair<absl::Time, const JobSnapshot*>> due;
  due.reserve(jobs->size());
  for (const JobSnapshot* job : *jobs) {
    due.emplace_back(job->arrival + options.due_factor * job->work, job);
  }
  std::sort(due.begin(), due.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second->arrival, a.second->id) <
           std::tie(b.first, b.second->arrival, b.second->id);
  });
  std::transform(due.begin(), due.end(), jobs->begin(),
                 [](const auto& each) { return each.second; });
}

// The clients that `jobs` belong to, in order of precedence.
std::vector<Client> ClientsOf(const Jobs& jobs, const PolicyOptions& options) {
  std::map<uint64_t, Client> by_id;
  for (const JobSnapshot* job : jobs) {
    Client& client = by_id[job->client];
    client.arrival = std::min(client.arrival, job->arrival);
    client.jobs.push_back(job);
    client.demand += job->runnable_rows;
  }
  std::vector<Client> clients;
  for (auto& [id, client] : by_id) {
    SortByDueTime(options, &client.jobs);
    clients.push_back(std::move(client));
  }
  std::sort(clients.begin(), clients.end(), [](const Client& a, const Client& b) {
    const JobSnapshot &of_a = *a.jobs.front(), &of_b = *b.jobs.front();
    return std::tie(of_a.client_last_turn, a.arrival, of_a.client) <
           std::tie(of_b.client_last_turn, b.arrival, of_b.client);
  });
  return clients;
}

// An equal share of `rows` for each bulk job whose patience is over, 0 for the other jobs.
std::vector<int64_t> SharesOfTheAged(const Jobs& jobs, int64_t rows, const PolicyOptions& options) {
  std::vector<int64_t> shares(jobs.size(), 0);
  const auto aged = [&options](const JobSnapshot* job) { return HasAged(*job, options); };
  if (std::none_of(jobs.begin(), jobs.end(), aged)) return shares;
  std::vector<size_t> order(jobs.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&jobs](size_t a, size_t b) {
    return std::tie(jobs[a]->last_turn, jobs[a]->arrival, jobs[a]->id) <
           std::tie(jobs[b]->last_turn, jobs[b]->arrival, jobs[b]->id);
  });
  std::vector<int64_t> demands;
  for (const size_t k : order) demands.push_back(jobs[k]->runnable_rows);
  const std::vector<int64_t> equal = ShareFairly(demands, rows);
  for (size_t k = 0; k < order.size(); ++k) {
    if (aged(jobs[order[k]])) shares[order[k]] = equal[k];
  }
  return shares;
}

// Shares the rows of a client between its jobs, which are in order of due time.
std::vector<int64_t> ShareBetweenJobs(const Jobs& jobs, int64_t rows,
                                      const PolicyOptions& options) {
  std::vector<int64_t> shares = SharesOfTheAged(jobs, rows, options);
  rows -= std::accumulate(shares.begin(), shares.end(), int64_t{0});
  for (size_t k = 0; k < jobs.size(); ++k) {
    const int64_t given = std::min(rows, jobs[k]->runnable_rows - shares[k]);
    shares[k] += given;
    rows -= given;
  }
  return shares;
}

std::vector<int64_t> ShareBetweenClients(const std::vector<Client>& clients, int64_t rows) {
  std::vector<int64_t> demands;
  for (const Client& client : clients) demands.push_back(client.demand);
  return ShareFairly(demands, rows);
}

// The rows of the first of a client's jobs, where it is interactive and has all its rows in the
// step; 0 otherwise. `jobs` are in order of due time and not empty.
int64_t RowsOfServedJob(const Jobs& jobs, const std::vector<int64_t>& of_jobs) {
  const JobSnapshot& first = *jobs.front();
  const bool served = of_jobs.front() == first.runnable_rows;
  return first.priority == JobPriority::kInteractive && served ? of_jobs.front() : 0;
}

// How many of `rows` the step should have, without those that only make others wait (rule 5).
int64_t RowsWorthWaitingFor(const std::vector<Client>& clients, int64_t rows,
                            const PolicyOptions& options) {
  const std::vector<int64_t> shares = ShareBetweenClients(clients, rows);
  // Each client may have as many rows in a step as the smallest of the jobs that it is made for:
  // such a step is as fair, and no longer than that job needs.
  int64_t smallest = 0;
  for (size_t k = 0; k < clients.size(); ++k) {
    const Jobs& jobs = clients[k].jobs;
    const int64_t served = RowsOfServedJob(jobs, ShareBetweenJobs(jobs, shares[k], options));
    if (served > 0) smallest = smallest == 0 ? served : std::min(smallest, served);
  }
  if (smallest == 0) return rows;
  int64_t needed = 0;
  for (const int64_t share : shares) needed += std::min(share, smallest);
  int64_t enough = options.efficient_rows;
  if (clients.size() > 1 && options.rows_beside) {
    enough = std::min(enough, options.rows_beside(needed));
  }
  return std::min(rows, std::max(needed, enough));
}

}  // namespace

std::vector<Allocation> AllocateStep(absl::Span<const JobSnapshot> jobs,
                                     const PolicyOptions& options) {
  Jobs first, second;
  for (const JobSnapshot& job : jobs) {
    if (job.runnable_rows <= 0) continue;
    const bool waits = job.priority == JobPriority::kBulk && !HasAged(job, options);
    (waits ? second : first).push_back(&job);
  }
  std::vector<Allocation> allocations;
  int64_t rows = options.max_rows;
  int64_t taken = 0;
  for (const Jobs* of_class : {&first, &second}) {
    const std::vector<Client> clients = ClientsOf(*of_class, options);
    // Bulk jobs can wait: they take what is left of the step that interactive jobs shaped.
    if (of_class == &first) rows = RowsWorthWaitingFor(clients, rows, options);
    const std::vector<int64_t> shares = ShareBetweenClients(clients, rows);
    for (const size_t k : ServedInOrder(shares)) {
      const Jobs& its_jobs = clients[k].jobs;
      const std::vector<int64_t> of_jobs = ShareBetweenJobs(its_jobs, shares[k], options);
      for (const size_t j : ServedInOrder(of_jobs)) {
        allocations.push_back({its_jobs[j]->id, of_jobs[j]});
      }
      rows -= shares[k];
      taken += shares[k];
    }
    if (of_class == &first && taken > 0 && options.rows_beside) {
      rows = std::clamp<int64_t>(options.rows_beside(taken) - taken, 0, rows);
    }
  }
  return allocations;
}

}  // namespace unlasting::server
