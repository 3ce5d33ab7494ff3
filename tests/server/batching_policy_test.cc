#include "server/batching_policy.h"

#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

JobSnapshot Job(uint64_t id, int64_t runnable, JobPriority priority = JobPriority::kInteractive) {
  JobSnapshot job;
  job.id = id;
  job.priority = priority;
  job.arrival = absl::UnixEpoch() + absl::Seconds(static_cast<int64_t>(id));
  job.runnable_rows = runnable;
  return job;
}

std::map<uint64_t, int64_t> Allocate(const std::vector<JobSnapshot>& jobs, int64_t max_rows) {
  std::map<uint64_t, int64_t> rows;
  for (const Allocation& allocation : AllocateStep(jobs, max_rows)) {
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
    for (const Allocation& allocation : AllocateStep(jobs, 3)) {
      total[allocation.id] += allocation.rows;
      jobs[allocation.id - 1].last_turn = ++turn;
    }
  }
  for (uint64_t id = 1; id <= 10; ++id) EXPECT_EQ(total[id], 30) << "job " << id;
}

TEST(BatchingPolicy, OddRowsTakeTurns) {
  std::vector<JobSnapshot> jobs = {Job(1, 1000), Job(2, 1000)};
  std::map<uint64_t, int64_t> total;
  uint64_t turn = 0;
  for (int step = 0; step < 10; ++step) {
    for (const Allocation& allocation : AllocateStep(jobs, 65)) {
      total[allocation.id] += allocation.rows;
      jobs[allocation.id - 1].last_turn = ++turn;
    }
  }
  EXPECT_EQ(total[1], total[2]);
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

}  // namespace
}  // namespace unlasting::server
