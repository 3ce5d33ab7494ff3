// Ranks as threads of this process, each with a network and a group of its own.
#include <fstream>
#include <future>
#include <thread>

#include "tests/trainer/training/training_fixture.h"
#include "trainer/ranks/rank_group.h"

namespace unlasting::trainer {
namespace {

using RanksTest = TrainingFixture;

// Both ranks of a group of two; rank 1 learns its port from rank 0.
struct Pair {
  std::unique_ptr<RankGroup> first, second;
};
Pair JoinTwo() {
  std::promise<int> port;
  std::unique_ptr<RankGroup> second;
  std::thread other([&] {
    RankInfo place{1, 2, "127.0.0.1", port.get_future().get(), "lo"};
    auto joined = RankGroup::Join(place, {});
    if (joined.ok()) second = std::move(*joined);
  });
  RankGroup::Hooks hooks;
  hooks.listening = [&](int listening) {
    port.set_value(listening);
    return absl::OkStatus();
  };
  auto first = RankGroup::Join(RankInfo{0, 2, "127.0.0.1", 0, "lo"}, hooks);
  other.join();
  EXPECT_TRUE(first.ok()) << first.status();
  return {first.ok() ? std::move(*first) : nullptr, std::move(second)};
}

TEST_F(RanksTest, TwoRanksHaveTheLossCurveAndTheWeightsOfOneProcess) {
  for (const NetworkKind kind : {NetworkKind::kDenoiser, NetworkKind::kMask}) {
    const auto train = [&](RankGroup* ranks, Network* network, std::vector<double>* losses) {
      TrainingTask task = Task(kind, 12);
      task.ranks = ranks;
      task.log = [&](const nlohmann::json& line) {
        losses->push_back(line.begin()->get<double>());
      };
      return Train(task, network);
    };
    Network alone = NewNetwork(kind), first = NewNetwork(kind), second = NewNetwork(kind);
    std::vector<double> expected, found, other;
    ASSERT_OK(train(nullptr, &alone, &expected));

    Pair ranks = JoinTwo();
    absl::Status second_status;
    std::thread thread([&] { second_status = train(ranks.second.get(), &second, &other); });
    ASSERT_OK(train(ranks.first.get(), &first, &found));
    thread.join();
    ASSERT_OK(second_status);
    ASSERT_FALSE(expected.empty());
    ASSERT_EQ(found.size(), expected.size());
    for (size_t k = 0; k < found.size(); ++k) EXPECT_NEAR(found[k], expected[k], 1e-4);
    EXPECT_TRUE(other.empty()) << "rank 0 alone logs";
    EXPECT_LT(Difference(first, alone), 1e-4);
    EXPECT_EQ(Difference(first, second), 0.0);
  }
}

// A group whose devices' memory is this machine's.
class GroupOfDevices : public RankGroup {
 public:
  explicit GroupOfDevices(RankGroup* group) : group_(*group) {}
  int rank() const override { return group_.rank(); }
  int size() const override { return group_.size(); }
  absl::Status Sum(absl::Span<float> values) override {
    largest_on_host = std::max(largest_on_host, values.size());
    return group_.Sum(values);
  }
  bool sums_on_devices() const override { return true; }
  absl::Status SumOnDevices(absl::Span<float> values) override { return group_.Sum(values); }
  absl::Status Broadcast(std::string* bytes) override { return group_.Broadcast(bytes); }

  size_t largest_on_host = 0;

 private:
  RankGroup& group_;
};

TEST_F(RanksTest, GradientsThatAreSummedOnDevicesTrainTheSameWeights) {
  const auto train = [&](bool on_devices) {
    Network first = NewNetwork(NetworkKind::kDenoiser), second = NewNetwork(NetworkKind::kDenoiser);
    Pair ranks = JoinTwo();
    EXPECT_FALSE(ranks.first->sums_on_devices()) << "there are no devices";
    GroupOfDevices groups[] = {GroupOfDevices(ranks.first.get()),
                               GroupOfDevices(ranks.second.get())};
    const auto task = [&](int rank) {
      TrainingTask task = Task(NetworkKind::kDenoiser, 6);
      RankGroup* host = rank == 0 ? ranks.first.get() : ranks.second.get();
      task.ranks = on_devices ? &groups[rank] : host;
      return task;
    };
    absl::Status second_status;
    std::thread thread([&] { second_status = Train(task(1), &second); });
    EXPECT_OK(Train(task(0), &first));
    thread.join();
    EXPECT_OK(second_status);
    EXPECT_LT(groups[0].largest_on_host, 100u) << "gradients went through the host";
    return first;
  };
  EXPECT_EQ(Difference(train(true), train(false)), 0.0);
}

TEST(RankDevicesTest, NcclIsForRanksThatEachHaveADevice) {
  EXPECT_TRUE(EachHasItsOwn({"a", "b", "c"}));
  EXPECT_FALSE(EachHasItsOwn({"a", "b", "a"})) << "two share one";
  EXPECT_FALSE(EachHasItsOwn({"a", ""})) << "one trains on the CPU";
}

TEST_F(RanksTest, AnInterruptionOfAnyRankStopsAllAtOneStepAndResumes) {
  std::atomic<bool> interrupted{true};
  Network first = NewNetwork(NetworkKind::kDenoiser), second = NewNetwork(NetworkKind::kDenoiser);
  Pair ranks = JoinTwo();
  absl::Status second_status;
  std::thread thread([&] {
    TrainingTask task = Task(NetworkKind::kDenoiser, 12);
    task.ranks = ranks.second.get();
    task.interrupted = &interrupted;
    second_status = Train(task, &second);
  });
  TrainingTask task = Task(NetworkKind::kDenoiser, 12);
  task.ranks = ranks.first.get();
  const absl::Status status = Train(task, &first);
  thread.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("interrupted at step 1;"));
  EXPECT_EQ(second_status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(second_status.message(), "");

  // One process goes on from what two left behind.
  Network resumed = NewNetwork(NetworkKind::kDenoiser),
          straight = NewNetwork(NetworkKind::kDenoiser);
  TrainingTask rest = Task(NetworkKind::kDenoiser, 12);
  rest.resume = true;
  ASSERT_OK(Train(rest, &resumed));
  ASSERT_OK(Train(Task(NetworkKind::kDenoiser, 12), &straight));
  EXPECT_LT(Difference(resumed, straight), 1e-4);
}

TEST_F(RanksTest, ALostRankIsNamedAndLeavesACheckpoint) {
  Network first = NewNetwork(NetworkKind::kDenoiser);
  Pair ranks = JoinTwo();
  std::thread thread([&] {
    std::string state;
    ASSERT_OK(ranks.second->Broadcast(&state));
    EXPECT_FALSE(state.empty());
    ranks.second.reset();
  });
  TrainingTask task = Task(NetworkKind::kDenoiser, 12);
  task.ranks = ranks.first.get();
  const absl::Status status = Train(task, &first);
  thread.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("rank 1 of 2 was lost at step 0"));
  TrainingTask rest = Task(NetworkKind::kDenoiser, 12);
  rest.resume = true;
  ASSERT_OK(Train(rest, &first));
}

TEST(RankInfoTest, ReadsWhatTorchrunAndKubeflowSet) {
  const auto with = [](const char* rank, const char* size, const char* host, const char* port) {
    setenv("RANK", rank, 1);
    setenv("WORLD_SIZE", size, 1);
    setenv("MASTER_ADDR", host, 1);
    setenv("MASTER_PORT", port, 1);
    return RankInfoFromEnvironment();
  };
  const auto place = with("2", "4", "trainer-master-0", "23456");
  ASSERT_OK(place);
  ASSERT_TRUE(place->has_value());
  EXPECT_EQ((*place)->rank, 2);
  EXPECT_EQ((*place)->size, 4);
  EXPECT_EQ((*place)->host, "trainer-master-0");
  EXPECT_EQ((*place)->port, 23456);
  EXPECT_FALSE((*place)->served_by_launcher);
  EXPECT_EQ((*place)->local_rank, 0) << "one process on each machine, as Kubeflow starts them";
  setenv("LOCAL_RANK", "3", 1);
  EXPECT_EQ((*with("7", "8", "a", "1"))->local_rank, 3);
  setenv("LOCAL_RANK", "-1", 1);
  EXPECT_THAT(std::string(with("1", "4", "a", "1").status().message()),
              testing::HasSubstr("LOCAL_RANK: found '-1'"));
  unsetenv("LOCAL_RANK");
  EXPECT_FALSE(with("0", "1", "", "")->has_value());
  EXPECT_THAT(std::string(with("4", "4", "a", "1").status().message()), testing::HasSubstr("RANK"));
  EXPECT_THAT(std::string(with("1", "4", "", "1").status().message()),
              testing::HasSubstr("MASTER_ADDR"));
  EXPECT_THAT(std::string(with("1", "4", "a", "no").status().message()),
              testing::HasSubstr("MASTER_PORT"));
  for (const char* name : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) unsetenv(name);
  EXPECT_FALSE(RankInfoFromEnvironment()->has_value());
}

}  // namespace
}  // namespace unlasting::trainer
