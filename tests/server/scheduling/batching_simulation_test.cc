// The policy against batching by request, in simulated time: an engine whose steps take as long as
// was measured, calls that arrive at random at about 80 % of what it can do.
#include <algorithm>
#include <cmath>
#include <random>

#include "gtest/gtest.h"
#include "server/scheduling/batching_policy.h"

namespace unlasting::server {
namespace {

constexpr int kSteps = 10;  // of a row
constexpr int64_t kMaxRows = 64;

// THP-1 demo bundle, 300 genes, two cores.
absl::Duration StepTime(int64_t rows) {
  return absl::Microseconds(150) + static_cast<double>(rows) * absl::Microseconds(86);
}

struct Call {
  absl::Time arrival;
  int64_t cells = 0;
  uint64_t client = 1;
};

// Exponential gaps; by hand, for the library's distributions may change.
std::vector<Call> PoissonCalls(const std::vector<int64_t>& sizes, double per_second,
                               absl::Duration length, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto uniform = [&random] {
    return (static_cast<double>(random() >> 11) + 0.5) / 9007199254740992.0;
  };
  std::vector<Call> calls;
  absl::Time now = absl::UnixEpoch();
  while (true) {
    now += absl::Seconds(-std::log(uniform()) / per_second);
    if (now > absl::UnixEpoch() + length) return calls;
    calls.push_back({now, sizes[random() % sizes.size()]});
  }
}

// Runs calls of one perturbation whose latents are cached; Run returns how many seconds each took.
class Simulation {
 public:
  Simulation(std::vector<Call> calls, const PolicyOptions& options, bool by_request)
      : calls_(std::move(calls)), options_(options), by_request_(by_request) {}

  std::vector<double> Run() {
    seconds_.resize(calls_.size());
    for (size_t ended = 0; ended < calls_.size();) {
      Admit();
      if (jobs_.empty()) {
        now_ = std::max(now_, calls_[next_].arrival);
        continue;
      }
      ended += Step();
    }
    return seconds_;
  }

 private:
  struct Job {
    JobSnapshot snapshot;
    std::vector<int64_t> rows_at;  // by steps made
  };

  void Admit() {
    if (by_request_ && !jobs_.empty()) return;
    int64_t rows = 0;
    while (next_ < calls_.size() && calls_[next_].arrival <= now_ &&
           !(by_request_ && rows >= kMaxRows)) {
      Job job;
      job.snapshot.id = next_;
      job.snapshot.client = calls_[next_].client;
      job.snapshot.arrival = calls_[next_].arrival;
      job.snapshot.runnable_rows = calls_[next_].cells;
      job.snapshot.work = static_cast<double>(calls_[next_].cells) * kSteps * StepTime(64) / 64;
      job.snapshot.last_turn = job.snapshot.client_last_turn = turn_;
      job.rows_at.assign(kSteps, 0);
      job.rows_at[0] = calls_[next_].cells;
      rows += calls_[next_].cells;
      jobs_.push_back(std::move(job));
      ++next_;
    }
  }

  // How many calls ended with it.
  size_t Step() {
    std::vector<JobSnapshot> snapshots;
    for (const Job& job : jobs_) snapshots.push_back(job.snapshot);
    const std::vector<Allocation> allocations = AllocateStep(snapshots, options_);
    int64_t rows = 0;
    for (const Allocation& allocation : allocations) rows += allocation.rows;
    now_ += StepTime(rows);
    for (const Allocation& allocation : allocations) {
      const auto job = std::find_if(jobs_.begin(), jobs_.end(), [&allocation](const Job& each) {
        return each.snapshot.id == allocation.id;
      });
      job->snapshot.last_turn = ++turn_;
      for (Job& other : jobs_) {
        if (other.snapshot.client == job->snapshot.client) other.snapshot.client_last_turn = turn_;
      }
      Advance(&*job, allocation.rows);
    }
    const size_t before = jobs_.size();
    jobs_.erase(std::remove_if(jobs_.begin(), jobs_.end(),
                               [](const Job& job) { return job.snapshot.runnable_rows == 0; }),
                jobs_.end());
    return before - jobs_.size();
  }

  // Rows on their way go on before others start, as in predict::Job.
  void Advance(Job* job, int64_t rows) {
    for (int step = kSteps - 1; step >= 0 && rows > 0; --step) {
      const int64_t moved = std::min(rows, job->rows_at[step]);
      rows -= moved;
      job->rows_at[step] -= moved;
      if (step + 1 < kSteps) {
        job->rows_at[step + 1] += moved;
      } else {
        job->snapshot.runnable_rows -= moved;
      }
    }
    if (job->snapshot.runnable_rows == 0) {
      // Its mask: an evaluation for each cell.
      now_ += StepTime(calls_[job->snapshot.id].cells);
      seconds_[job->snapshot.id] = absl::ToDoubleSeconds(now_ - job->snapshot.arrival);
    }
  }

  const std::vector<Call> calls_;
  const PolicyOptions options_;
  const bool by_request_;
  absl::Time now_ = absl::UnixEpoch();
  size_t next_ = 0;
  std::vector<Job> jobs_;
  uint64_t turn_ = 0;
  std::vector<double> seconds_;
};

double Quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size()))];
}

PolicyOptions Continuous() {
  PolicyOptions options;
  options.efficient_rows = 16;
  return options;
}

PolicyOptions FirstComeFirstServed() {
  PolicyOptions options;
  options.due_factor = 0;
  return options;
}

void ExpectBetterThanByRequest(const std::vector<int64_t>& sizes, double per_second) {
  std::vector<double> continuous, by_request;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const std::vector<Call> calls = PoissonCalls(sizes, per_second, absl::Minutes(1), seed);
    const std::vector<double> a = Simulation(calls, Continuous(), false).Run();
    const std::vector<double> b = Simulation(calls, FirstComeFirstServed(), true).Run();
    continuous.insert(continuous.end(), a.begin(), a.end());
    by_request.insert(by_request.end(), b.begin(), b.end());
  }
  EXPECT_LE(2 * Quantile(continuous, 0.5), Quantile(by_request, 0.5));
  EXPECT_LE(Quantile(continuous, 0.99), Quantile(by_request, 0.99));
}

TEST(BatchingSimulation, HalvesTheMedianAndKeepsThe99thPercentileUpTo100Cells) {
  ExpectBetterThanByRequest({1, 4, 16, 64, 100}, 22);
}

TEST(BatchingSimulation, HalvesTheMedianAndKeepsThe99thPercentileUpTo256Cells) {
  ExpectBetterThanByRequest({1, 4, 16, 64, 256}, 12);
}

TEST(BatchingSimulation, ALargeJobEndsAmidEndlessSmallOnesOfItsClient) {
  // Small calls alone are more than the engine can do.
  std::vector<Call> calls = PoissonCalls({16}, 80, absl::Seconds(30), 1);
  calls.insert(calls.begin(), {absl::UnixEpoch(), 256});
  const std::vector<double> seconds = Simulation(calls, Continuous(), false).Run();
  EXPECT_LT(seconds.front(), 5) << "its work takes 0.2 s";
}

TEST(BatchingSimulation, AClientWithOneSmallCallAtATimeIsNotSlowedByOneThatFloods) {
  std::vector<Call> calls;
  for (int k = 0; k < 200; ++k) calls.push_back({absl::UnixEpoch(), 100, 1});
  for (int k = 1; k <= 20; ++k) {
    calls.push_back({absl::UnixEpoch() + k * absl::Milliseconds(500), 1, 2});
  }
  const std::vector<double> seconds = Simulation(calls, Continuous(), false).Run();
  EXPECT_LT(*std::max_element(seconds.begin() + 200, seconds.end()), 0.05);
}

TEST(BatchingSimulation, OneCallAtATimeTakesLessThanThriceAsLongBesideThousandsOfAnother) {
  std::vector<Call> alone;
  for (int k = 0; k < 20; ++k) {
    alone.push_back({absl::UnixEpoch() + k * absl::Milliseconds(50), 1, 2});
  }
  std::vector<Call> beside = alone;
  beside.insert(beside.begin(), 2000, {absl::UnixEpoch(), 1, 1});
  PolicyOptions options = Continuous();
  options.rows_beside = [](int64_t needed) {
    int64_t rows = needed;
    while (StepTime(rows + 1) <= 1.5 * StepTime(needed)) ++rows;
    return rows;
  };
  const std::vector<double> a = Simulation(alone, options, false).Run();
  const std::vector<double> b = Simulation(beside, options, false).Run();
  const std::vector<double> others(b.begin() + 2000, b.end());
  EXPECT_LT(Quantile(others, 0.5), 3 * Quantile(a, 0.5));
}

}  // namespace
}  // namespace unlasting::server
