#include "server/config/memory_limits.h"

#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "server/config/config.h"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

class Machine {
 public:
  void Write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(folder_.At(path)).parent_path());
    std::ofstream(folder_.At(path)) << text;
  }
  int64_t Available() const { return AvailableMemory(folder_.At("")); }

 private:
  const test::TempFolder folder_;
};

TEST(AvailableMemory, IsThatOfTheMachineOrOfTheNarrowestGroup) {
  const Machine machine;
  EXPECT_EQ(machine.Available(), 0);
  machine.Write("proc/meminfo", "MemTotal:       8388608 kB\nMemFree: 1 kB\n");
  EXPECT_EQ(machine.Available(), 8 * kGiB);
  machine.Write("proc/self/cgroup", "0::/pods/one/server\n");
  machine.Write("sys/fs/cgroup/pods/one/server/memory.max", "max\n");
  EXPECT_EQ(machine.Available(), 8 * kGiB);
  machine.Write("sys/fs/cgroup/pods/one/memory.max", "4294967296\n");
  machine.Write("sys/fs/cgroup/memory.max", "6442450944\n");
  EXPECT_EQ(machine.Available(), 4 * kGiB);
  machine.Write("sys/fs/cgroup/pods/one/server/memory.max", "1073741824\n");
  EXPECT_EQ(machine.Available(), kGiB);
}

TEST(AvailableMemory, ReadsTheFirstVersionOfGroupsAndAContainersRoot) {
  const Machine machine;
  machine.Write("proc/meminfo", "MemTotal:       8388608 kB\n");
  machine.Write("proc/self/cgroup", "5:cpu:/docker/x\n4:memory:/docker/x\n");
  machine.Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n");
  EXPECT_EQ(machine.Available(), 2 * kGiB);
  machine.Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(machine.Available(), 8 * kGiB);
}

int64_t Sum(const ServerConfig& config) {
  const MemoryConfig& memory = config.memory();
  return std::max(1, config.bundles_size()) * memory.max_queued_bytes() +
         memory.max_incoming_bytes() + memory.transport_bytes() + memory.control_store_bytes();
}

TEST(FitMemoryLimits, LeavesThemWhereThereIsEnough) {
  ServerConfig config = DefaultConfig();
  const std::string before = config.SerializeAsString();
  FitMemoryLimits({}, 64 * kGiB, &config);
  FitMemoryLimits({}, 0, &config);
  EXPECT_EQ(config.SerializeAsString(), before);
}

TEST(FitMemoryLimits, TheirSumFitsAContainerWithAnyNumberOfModels) {
  for (const int models : {1, 2, 5}) {
    ServerConfig config = DefaultConfig();
    for (int k = 0; k < models; ++k) config.add_bundles();
    FitMemoryLimits({}, 2 * kGiB, &config);
    EXPECT_LE(Sum(config), 3 * kGiB / 2);
    EXPECT_GE(Sum(config), kGiB);
    EXPECT_LE(config.memory().max_client_bytes(), config.memory().max_queued_bytes());
  }
}

TEST(FitMemoryLimits, WhatAnOperatorSetStays) {
  ServerConfig config = DefaultConfig();
  config.mutable_memory()->set_max_queued_bytes(kGiB);
  MemoryConfig set;
  set.set_max_queued_bytes(kGiB);
  FitMemoryLimits(set, 2 * kGiB, &config);
  EXPECT_EQ(config.memory().max_queued_bytes(), kGiB);
  EXPECT_LE(Sum(config), 3 * kGiB / 2);
  // More than there is: the others are as small as they may be.
  config = DefaultConfig();
  config.mutable_memory()->set_max_queued_bytes(10 * kGiB);
  FitMemoryLimits(set, 2 * kGiB, &config);
  EXPECT_EQ(config.memory().max_queued_bytes(), 10 * kGiB);
  EXPECT_EQ(config.memory().max_incoming_bytes(), 8 << 20);
}

}  // namespace
}  // namespace unlasting::server
