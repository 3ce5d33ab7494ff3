// Models are replaced while calls use them.
#include <atomic>
#include <future>
#include <random>
#include <thread>
#include <vector>

#include "tests/server/models/model_registry_fixture.h"
#include "tests/support/wait_until.h"

namespace unlasting::server {
namespace {

using testing::HasSubstr;

TEST_F(ModelRegistryTest, ALinkThatLeadsElsewhereIsReloaded) {
  const std::string current = folder_.At("current");
  PointTo(current, Write("1"));
  ASSERT_OK(registry_.Load("m", current));
  EXPECT_THAT(registry_.ReloadChanged(), testing::IsEmpty());
  const std::weak_ptr<ServedModel> old = *registry_.Find("m");
  PointTo(current, Write("2"));
  const auto outcomes = registry_.ReloadChanged();
  ASSERT_EQ(outcomes.size(), 1u);
  ASSERT_OK(outcomes[0].status);
  EXPECT_EQ((*registry_.Find("m"))->version(), "2");
  EXPECT_TRUE(old.expired());
  EXPECT_THAT(registry_.ReloadChanged(), testing::IsEmpty());
}

TEST_F(ModelRegistryTest, ADamagedBundleDoesNotReplaceAWorkingOne) {
  const std::string current = folder_.At("current");
  PointTo(current, Write("1"));
  ASSERT_OK(registry_.Load("m", current));
  const auto working = *registry_.Find("m");
  const std::string damaged = Write("2");
  Damage(damaged);
  PointTo(current, damaged);
  const auto outcomes = registry_.ReloadChanged();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(outcomes[0].status.message()), HasSubstr("target.pt"));
  EXPECT_EQ(*registry_.Find("m"), working);
  EXPECT_THAT(registry_.ReloadChanged(), testing::IsEmpty()) << "not tried over and over";
  EXPECT_FALSE(registry_.Reload("m", "").ok());
  EXPECT_EQ(*registry_.Find("m"), working);

  PointTo(current, Write("3"));
  ASSERT_EQ(registry_.ReloadChanged().size(), 1u);
  EXPECT_EQ((*registry_.Find("m"))->version(), "3");
}

TEST_F(ModelRegistryTest, AFolderThatIsGoneLeavesTheModelInService) {
  const std::string directory = Write("1");
  ASSERT_OK(registry_.Load("m", directory));
  std::filesystem::remove_all(directory);
  EXPECT_THAT(registry_.ReloadChanged(), testing::IsEmpty());
  EXPECT_EQ(registry_.Reload("m", "").status().code(), absl::StatusCode::kNotFound);
  ASSERT_OK(registry_.Find("m"));
}

TEST_F(ModelRegistryTest, AReloadMayNotTakeAnotherVersionsPlace) {
  const std::string current = folder_.At("current");
  PointTo(current, Write("1"));
  ASSERT_OK(registry_.Load("m", current));
  ASSERT_OK(registry_.Load("m", Write("2")));
  PointTo(current, Write("2", 7));
  ASSERT_EQ(registry_.ReloadChanged().size(), 1u);
  EXPECT_EQ((*registry_.Find("m", "1"))->version(), "1");
  EXPECT_EQ(registry_.List().size(), 2u);
}

TEST_F(ModelRegistryTest, TwoReloadsAtOnceAreSafe) {
  const std::string current = folder_.At("current");
  PointTo(current, Write("1"));
  ASSERT_OK(registry_.Load("m", current));
  const std::weak_ptr<ServedModel> first = *registry_.Find("m");
  PointTo(current, Write("1", 2));
  std::vector<std::thread> threads;
  for (int k = 0; k < 4; ++k) {
    threads.emplace_back([this] { ASSERT_OK(registry_.Reload("m", "")); });
  }
  threads.emplace_back([this] { registry_.ReloadChanged(); });
  EXPECT_TRUE(test::WaitUntil([&] {
    EXPECT_TRUE(registry_.Find("m").ok());
    return first.expired();
  }));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(registry_.List().size(), 1u);
}

class EndListener : public test::RecordingListener {
 public:
  void OnEnd(const absl::Status& end, const JobTimings& spent) override {
    RecordingListener::OnEnd(end, spent);
    ended.set_value(end);
  }
  std::promise<absl::Status> ended;
};

TEST_F(ModelRegistryTest, WorkInFlightFinishesOnTheModelThatItBeganWith) {
  const std::string current = folder_.At("current");
  PointTo(current, Write("1"));
  ASSERT_OK(registry_.Load("m", current));
  auto listener = std::make_shared<EndListener>();
  {
    const std::shared_ptr<ServedModel> old = *registry_.Find("m");
    predict::PredictionTask request;
    request.controls = test::SomeControls(20);
    request.perturbations = {test::Knockout({"G1"})};
    request.options = predict::DefaultOptions(*old->bundle());
    ASSERT_OK(old->scheduler().Submit(std::move(request), listener));
    PointTo(current, Write("2", 5));
    ASSERT_EQ(registry_.ReloadChanged().size(), 1u);
    EXPECT_EQ((*registry_.Find("m"))->version(), "2");
    std::future<absl::Status> ended = listener->ended.get_future();
    ASSERT_TRUE(test::WaitUntilReady(ended));
    ASSERT_OK(ended.get());
  }
  EXPECT_EQ(listener->profiles.at(0).values.rows, 20);
}

// Counts its ends; now and then does not read for a while.
class RestlessListener : public JobListener {
 public:
  explicit RestlessListener(uint64_t seed) : random_(seed) {}
  bool Ready() override { return std::uniform_int_distribution<int>(0, 9)(random_) > 0; }
  void OnProfiles(predict::Profiles profiles) override { rows += profiles.values.rows; }
  void OnProgress(const JobProgress& progress) override {}
  void OnEnd(const absl::Status& end, const JobTimings& timings) override { ended.set_value(end); }

  std::atomic<int64_t> rows{0};
  std::promise<absl::Status> ended;

 private:
  std::mt19937_64 random_;  // of the executor's thread
};

class ModelsUnderLoad : public ModelRegistryTest {
 protected:
  // Submits jobs one after the other, cancels some of them, and waits for the end of each.
  void SubmitJobs(uint64_t caller, int count) {
    std::mt19937_64 random(caller);
    for (int k = 0; k < count; ++k) {
      const std::shared_ptr<ServedModel> model = *registry_.Find("m");
      predict::PredictionTask request;
      request.controls = test::SomeControls(1 + static_cast<int64_t>(random() % 6));
      request.perturbations = {test::Knockout({"G1"}), test::Knockout({"G2"})};
      request.options = predict::DefaultOptions(*model->bundle());
      request.options.solver_steps = 2;
      request.options.mask = predict::MaskMode::kNone;
      request.client = "caller " + std::to_string(caller % 3);
      if (random() % 2 == 0) request.priority = JobPriority::kBulk;
      const int64_t rows = 2 * request.controls->values.rows;
      auto listener = std::make_shared<RestlessListener>(random());
      const auto id = model->scheduler().Submit(std::move(request), listener);
      ASSERT_OK(id);
      if (random() % 4 == 0) model->scheduler().Cancel(*id);
      std::future<absl::Status> ended = listener->ended.get_future();
      ASSERT_TRUE(test::WaitUntilReady(ended));
      const absl::Status status = ended.get();
      if (status.ok()) {
        EXPECT_EQ(listener->rows, rows);
        ++complete_;
      } else {
        EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
        ++cancelled_;
      }
    }
  }

  std::atomic<int> complete_{0};
  std::atomic<int> cancelled_{0};
};

TEST_F(ModelsUnderLoad, JobsOfManyThreadsEndOnceAmidReloadsAndCancels) {
  const std::string current = folder_.At("current");
  const std::vector<std::string> bundles = {Write("1", 1), Write("1", 2)};
  PointTo(current, bundles[0]);
  ASSERT_OK(registry_.Load("m", current));
  std::atomic<bool> done{false};
  std::thread operators([&] {
    for (size_t k = 0; !done; ++k) {
      PointTo(current, bundles[k % 2]);
      for (const ReloadOutcome& outcome : registry_.ReloadChanged()) ASSERT_OK(outcome.status);
      metrics_.Expose();
      registry_.List();
    }
  });
  std::thread waker([&] {
    while (!done) {
      registry_.WakeAll();
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> callers;
  for (uint64_t caller = 0; caller < 6; ++caller) {
    callers.emplace_back([&, caller] { SubmitJobs(caller, 15); });
  }
  for (std::thread& caller : callers) caller.join();
  done = true;
  operators.join();
  waker.join();
  EXPECT_EQ(complete_ + cancelled_, 6 * 15);
  EXPECT_GT(complete_, 0);
  const auto model = *registry_.Find("m");
  EXPECT_EQ(model->scheduler().queued_rows(), 0);
}

}  // namespace
}  // namespace unlasting::server
