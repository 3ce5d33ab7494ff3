// Long because every rule of one pure function has its tests here.
#include "server/scheduling/batching_policy.h"

#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::server {
namespace {

using testing::_;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

JobSnapshot Job(uint64_t id, int64_t runnable, JobPriority priority = JobPriority::kInteractive) {
  JobSnapshot job;
  job.id = id;
  job.client = id;
  job.priority = priority;
  job.arrival = absl::UnixEpoch() + absl::Seconds(static_cast<int64_t>(id));
  job.runnable_rows = runnable;
  return job;
}

std::map<uint64_t, int64_t> Allocate(const std::vector<JobSnapshot>& jobs, int64_t max_rows) {
  std::map<uint64_t, int64_t> rows;
  for (const Allocation& allocation : AllocateStep(jobs, {max_rows})) {
    EXPECT_GT(allocation.rows, 0);
    EXPECT_TRUE(rows.emplace(allocation.id, allocation.rows).second);
  }
  return rows;
}

TEST(BatchingPolicy, OneJobGetsAllItCanRun) {
  EXPECT_THAT(Allocate({Job(1, 10)}, 64), ElementsAre(Pair(1, 10)));
  EXPECT_THAT(Allocate({Job(1, 100)}, 64), ElementsAre(Pair(1, 64)));
}

TEST(BatchingPolicy, NothingRunnableGivesNothing) {
  EXPECT_THAT(Allocate({}, 64), IsEmpty());
  EXPECT_THAT(Allocate({Job(1, 0)}, 64), IsEmpty());
}

TEST(BatchingPolicy, SharesEquallyBetweenLargeJobs) {
  EXPECT_THAT(Allocate({Job(1, 1000), Job(2, 1000)}, 64), ElementsAre(Pair(1, 32), Pair(2, 32)));
}

TEST(BatchingPolicy, WhatASmallJobLeavesGoesToOthers) {
  EXPECT_THAT(Allocate({Job(1, 1000), Job(2, 3), Job(3, 1000)}, 63),
              ElementsAre(Pair(1, 30), Pair(2, 3), Pair(3, 30)));
}

TEST(BatchingPolicy, TheOddRowGoesToTheEarliest) {
  EXPECT_THAT(Allocate({Job(2, 1000), Job(1, 1000)}, 65), ElementsAre(Pair(1, 33), Pair(2, 32)));
}

TEST(BatchingPolicy, InteractiveJobsGoBeforeBulkJobs) {
  EXPECT_THAT(Allocate({Job(1, 1000, JobPriority::kBulk), Job(2, 10)}, 64),
              ElementsAre(Pair(1, 54), Pair(2, 10)));
  EXPECT_THAT(Allocate({Job(1, 1000, JobPriority::kBulk), Job(2, 100)}, 64),
              ElementsAre(Pair(2, 64)));
}

TEST(BatchingPolicy, WithMoreJobsThanRowsEveryJobHasItsTurn) {
  std::vector<JobSnapshot> jobs;
  for (uint64_t id = 1; id <= 10; ++id) jobs.push_back(Job(id, 100));
  std::map<uint64_t, int64_t> total;
  uint64_t turn = 0;
  for (int step = 0; step < 100; ++step) {
    for (const Allocation& allocation : AllocateStep(jobs, {3})) {
      total[allocation.id] += allocation.rows;
      jobs[allocation.id - 1].last_turn = ++turn;
      jobs[allocation.id - 1].client_last_turn = turn;
    }
  }
  for (uint64_t id = 1; id <= 10; ++id) EXPECT_EQ(total[id], 30) << "job " << id;
}

TEST(BatchingPolicy, OddRowsTakeTurns) {
  std::vector<JobSnapshot> jobs = {Job(1, 1000), Job(2, 1000)};
  std::map<uint64_t, int64_t> total;
  uint64_t turn = 0;
  for (int step = 0; step < 10; ++step) {
    for (const Allocation& allocation : AllocateStep(jobs, {65})) {
      total[allocation.id] += allocation.rows;
      jobs[allocation.id - 1].last_turn = ++turn;
      jobs[allocation.id - 1].client_last_turn = turn;
    }
  }
  EXPECT_EQ(total[1], total[2]);
}

JobSnapshot JobOf(uint64_t client, uint64_t id, int64_t runnable) {
  JobSnapshot job = Job(id, runnable);
  job.client = client;
  return job;
}

TEST(BatchingPolicy, AClientWithManyJobsGetsNoMoreThanOneWithASingleJob) {
  EXPECT_THAT(
      Allocate({JobOf(1, 1, 1000), JobOf(1, 2, 1000), JobOf(1, 3, 1000), JobOf(2, 4, 1000)}, 60),
      ElementsAre(Pair(1, 30), Pair(4, 30)));
}

JobSnapshot JobOfOneClient(uint64_t id, int64_t arrival_ms, int64_t work_ms, int64_t runnable) {
  JobSnapshot job = JobOf(1, id, runnable);
  job.arrival = absl::UnixEpoch() + absl::Milliseconds(arrival_ms);
  job.work = absl::Milliseconds(work_ms);
  return job;
}

TEST(BatchingPolicy, AClientsSmallJobOvertakesALargeOneThatCameShortlyBefore) {
  EXPECT_THAT(Allocate({JobOfOneClient(1, 0, 100, 1000), JobOfOneClient(2, 200, 1, 3)}, 64),
              ElementsAre(Pair(1, 61), Pair(2, 3)));
}

TEST(BatchingPolicy, ALargeJobThatHasWaitedForItsWorkTimesTheFactorIsNotOvertaken) {
  EXPECT_THAT(Allocate({JobOfOneClient(1, 0, 100, 1000), JobOfOneClient(2, 400, 1, 3)}, 64),
              ElementsAre(Pair(1, 64)));
}

TEST(BatchingPolicy, OfEqualWorkTheFirstToComeIsServedFirst) {
  EXPECT_THAT(Allocate({JobOfOneClient(2, 2, 10, 40), JobOfOneClient(1, 1, 10, 40)}, 64),
              ElementsAre(Pair(1, 40), Pair(2, 24)));
}

TEST(BatchingPolicy, AnAgedBulkJobHasAnEqualShareAmongItsClientsJobsThatAreDueBefore) {
  JobSnapshot bulk = JobOfOneClient(3, 0, 100000, 1000);
  bulk.priority = JobPriority::kBulk;
  bulk.waited = absl::Seconds(1);
  EXPECT_THAT(Allocate({JobOfOneClient(1, 0, 1, 1000), JobOfOneClient(2, 0, 2, 1000), bulk}, 60),
              ElementsAre(Pair(1, 40), Pair(3, 20)));
}

std::map<uint64_t, int64_t> AllocateEfficiently(const std::vector<JobSnapshot>& jobs) {
  PolicyOptions options;
  options.efficient_rows = 8;
  std::map<uint64_t, int64_t> rows;
  for (const Allocation& allocation : AllocateStep(jobs, options)) {
    EXPECT_TRUE(rows.emplace(allocation.id, allocation.rows).second);
  }
  return rows;
}

TEST(BatchingPolicy, ASmallJobDoesNotWaitForRowsThatWouldFillItsStep) {
  EXPECT_THAT(AllocateEfficiently({Job(1, 1000), Job(2, 1)}), ElementsAre(Pair(1, 7), Pair(2, 1)));
  EXPECT_THAT(AllocateEfficiently({JobOfOneClient(1, 0, 100, 1000), JobOfOneClient(2, 1, 1, 1)}),
              ElementsAre(Pair(1, 7), Pair(2, 1)));
}

TEST(BatchingPolicy, ASmallJobDoesNotWaitForManySmallJobsOfAnotherClient) {
  std::vector<JobSnapshot> jobs;
  for (uint64_t id = 1; id <= 100; ++id) jobs.push_back(JobOf(1, id, 1));
  EXPECT_THAT(AllocateEfficiently(jobs), SizeIs(8)) << "nor do they wait for one another";
  jobs.push_back(JobOf(2, 101, 1));
  const std::map<uint64_t, int64_t> rows = AllocateEfficiently(jobs);
  EXPECT_THAT(rows, AllOf(SizeIs(8), Contains(Pair(101, 1))));

  PolicyOptions options;
  options.rows_beside = [](int64_t needed) { return 2 * needed; };
  EXPECT_THAT(AllocateStep(jobs, options), SizeIs(4)) << "a row each is needed, and twice allowed";
  jobs.pop_back();
  options.efficient_rows = 32;
  EXPECT_THAT(AllocateStep(jobs, options), SizeIs(32)) << "no other client is slowed";
}

TEST(BatchingPolicy, OfTwoClientsTheOneThatNeedsFewerRowsDecidesHowLongTheStepIs) {
  // The other has no later end by it: its rows run alone once the first has ended.
  EXPECT_THAT(AllocateEfficiently({Job(1, 40), Job(2, 10)}), ElementsAre(Pair(1, 10), Pair(2, 10)));
}

TEST(BatchingPolicy, AStepHoldsAllRowsOfTheJobThatItIsMadeSmallFor) {
  EXPECT_THAT(AllocateEfficiently({JobOfOneClient(1, 0, 1, 9), JobOfOneClient(2, 0, 2, 10),
                                   JobOfOneClient(3, 0, 100, 1000)}),
              ElementsAre(Pair(1, 9)));
}

TEST(BatchingPolicy, LargeJobsAloneFillTheStep) {
  EXPECT_THAT(AllocateEfficiently({Job(1, 1000), Job(2, 1000)}),
              ElementsAre(Pair(1, 32), Pair(2, 32)));
}

TEST(BatchingPolicy, ASmallStepIsSharedAsFairlyAsALargeOne) {
  // A row for the small job alone would be none for eight others.
  std::vector<JobSnapshot> jobs = {Job(1, 3)};
  for (uint64_t id = 2; id <= 9; ++id) jobs.push_back(Job(id, 1000));
  EXPECT_THAT(AllocateEfficiently(jobs), AllOf(SizeIs(9), Each(Pair(_, 3))));
}

TEST(BatchingPolicy, BulkWorkDoesNotMakeStepsSmall) {
  EXPECT_THAT(
      AllocateEfficiently({Job(1, 1000, JobPriority::kBulk), Job(2, 1, JobPriority::kBulk)}),
      ElementsAre(Pair(1, 63), Pair(2, 1)));
}

TEST(BatchingPolicy, WhatAClientLeavesGoesToOthers) {
  EXPECT_THAT(Allocate({JobOf(1, 1, 5), JobOf(1, 2, 5), JobOf(2, 3, 1000)}, 60),
              ElementsAre(Pair(1, 5), Pair(2, 5), Pair(3, 50)));
}

TEST(BatchingPolicy, BulkWorkThatHasWaitedLongEnoughHasItsShareOfAStep) {
  JobSnapshot bulk = Job(1, 1000, JobPriority::kBulk);
  bulk.waited = absl::Milliseconds(999);
  EXPECT_THAT(Allocate({bulk, Job(2, 1000)}, 64), ElementsAre(Pair(2, 64)));
  bulk.waited = absl::Seconds(1);
  EXPECT_THAT(Allocate({bulk, Job(2, 1000)}, 64), ElementsAre(Pair(1, 32), Pair(2, 32)));
}

// Plays steps of a second for clients that always have work; counts the rows each job gets.
class Simulation {
 public:
  explicit Simulation(std::vector<JobSnapshot> jobs) : jobs_(std::move(jobs)) {}

  void Run(int steps, int64_t max_rows, absl::Duration step, absl::Duration patience) {
    for (int k = 0; k < steps; ++k) {
      for (JobSnapshot& job : jobs_) job.waited += step;
      for (const Allocation& allocation : AllocateStep(jobs_, {max_rows, patience})) {
        JobSnapshot& job = jobs_[allocation.id - 1];
        rows[allocation.id] += allocation.rows;
        longest_wait[allocation.id] = std::max(longest_wait[allocation.id], job.waited);
        job.waited = absl::ZeroDuration();
        job.last_turn = ++turn_;
        for (JobSnapshot& other : jobs_) {
          if (other.client == job.client) other.client_last_turn = turn_;
        }
      }
    }
  }

  std::map<uint64_t, int64_t> rows;
  std::map<uint64_t, absl::Duration> longest_wait;

 private:
  std::vector<JobSnapshot> jobs_;
  uint64_t turn_ = 0;
};

TEST(BatchingPolicy, BulkWorkNeverStarvesUnderEndlessInteractiveWork) {
  Simulation simulation({Job(1, 1000, JobPriority::kBulk), Job(2, 1000), Job(3, 1000)});
  simulation.Run(600, 60, absl::Milliseconds(100), absl::Seconds(1));
  EXPECT_LE(simulation.longest_wait[1], absl::Seconds(1));
  EXPECT_EQ(simulation.rows[1], 60 * 20) << "a share of one step in ten";
  EXPECT_GT(simulation.rows[2], 10 * simulation.rows[1]);
}

TEST(BatchingPolicy, WithMoreBulkJobsThanRowsEachStillHasItsTurn) {
  std::vector<JobSnapshot> jobs = {Job(1, 1000)};
  for (uint64_t id = 2; id <= 11; ++id) jobs.push_back(Job(id, 1000, JobPriority::kBulk));
  Simulation simulation(jobs);
  simulation.Run(1000, 4, absl::Milliseconds(100), absl::Seconds(1));
  for (uint64_t id = 2; id <= 11; ++id) {
    EXPECT_GT(simulation.rows[id], 0) << "job " << id;
    EXPECT_LE(simulation.longest_wait[id], absl::Seconds(2)) << "job " << id;
  }
}

TEST(BatchingPolicy, InTheLongRunClientsGetEqualParts) {
  std::vector<JobSnapshot> jobs;
  for (uint64_t id = 1; id <= 9; ++id) jobs.push_back(JobOf(id <= 7 ? 1 : id, id, 100));
  Simulation simulation(jobs);
  simulation.Run(900, 2, absl::Seconds(1), absl::Seconds(1));
  int64_t first = 0;
  for (uint64_t id = 1; id <= 7; ++id) first += simulation.rows[id];
  EXPECT_EQ(first, 600);
  EXPECT_EQ(simulation.rows[8], 600);
  EXPECT_EQ(simulation.rows[9], 600);
  EXPECT_EQ(simulation.rows[1], 600) << "its first job, as all are of equal work";
}

TEST(BatchingPolicy, ANewcomerIsNotAheadOfThoseWhoWait) {
  // Both clients before were served in turns 7 and 8; the newcomer came after turn 8.
  JobSnapshot first = Job(1, 10), second = Job(2, 10), newcomer = Job(3, 10);
  first.last_turn = first.client_last_turn = 7;
  second.last_turn = second.client_last_turn = 8;
  newcomer.last_turn = newcomer.client_last_turn = 8;
  EXPECT_THAT(Allocate({newcomer, second, first}, 1), ElementsAre(Pair(1, 1)));
}

TEST(BatchingPolicy, NeverHandsOutMoreThanTheStepHolds) {
  for (int64_t max_rows = 0; max_rows < 20; ++max_rows) {
    int64_t total = 0;
    for (const auto& [id, rows] :
         Allocate({Job(1, 2), Job(2, 7), Job(3, 1), Job(4, 5, JobPriority::kBulk)}, max_rows)) {
      total += rows;
    }
    EXPECT_EQ(total, std::min<int64_t>(max_rows, 15));
  }
}

TEST(BatchingPolicy, BulkWorkLengthensAStepOfInteractiveWorkNoFurtherThanAllowed) {
  const std::vector<JobSnapshot> jobs = {Job(1, 1000, JobPriority::kBulk), Job(2, 3)};
  PolicyOptions options;
  options.max_rows = 64;
  options.efficient_rows = 64;
  options.rows_beside = [](int64_t rows) { return 2 * rows; };
  const auto rows_of = [&](const std::vector<JobSnapshot>& present) {
    std::map<uint64_t, int64_t> rows;
    for (const Allocation& each : AllocateStep(present, options)) rows[each.id] = each.rows;
    return rows;
  };
  EXPECT_EQ(rows_of(jobs), (std::map<uint64_t, int64_t>{{1, 3}, {2, 3}}));
  EXPECT_EQ(rows_of({jobs[0]}), (std::map<uint64_t, int64_t>{{1, 64}})) << "bulk work alone";
  options.rows_beside = [](int64_t) { return 0; };
  EXPECT_EQ(rows_of(jobs), (std::map<uint64_t, int64_t>{{2, 3}}));
}

}  // namespace
}  // namespace unlasting::server
