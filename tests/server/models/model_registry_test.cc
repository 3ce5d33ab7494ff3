// Models come, change and go; nothing here listens on a port.
#include "server/models/model_registry.h"

#include <atomic>
#include <fstream>
#include <future>
#include <random>
#include <thread>

#include "core/base/status.h"
#include "gmock/gmock.h"
#include "server/models/warm_up.h"
#include "tests/server/server_support.h"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

using test::WriteBundleVersion;
using testing::ElementsAre;
using testing::HasSubstr;

// Leads `link` to `target` in one step, as an operator does.
void PointTo(const std::string& link, const std::string& target) {
  std::filesystem::create_symlink(target, link + ".next");
  std::filesystem::rename(link + ".next", link);
}

void Damage(const std::string& bundle) {
  std::ofstream(bundle + "/target.pt", std::ios::app) << "x";
}

class ModelRegistryTest : public testing::Test {
 protected:
  ModelRegistryTest() : registry_(Options(), &clock_, &metrics_) {}

  static RegistryOptions Options() {
    RegistryOptions options;
    options.device = "cpu";
    options.threads = 1;
    options.scheduler.max_batch = 8;
    return options;
  }

  std::string Write(const std::string& version, uint64_t seed = 1) {
    const std::string directory = folder_.At("v" + version + "-" + std::to_string(seed));
    WriteBundleVersion(directory, version, seed);
    return directory;
  }

  std::string ReasonOfFind(const std::string& name, const std::string& version = "") {
    return ReasonOf(registry_.Find(name, version).status());
  }

  test::TempFolder folder_;
  test::FakeClock clock_;
  Metrics metrics_;
  ModelRegistry registry_;
};

TEST_F(ModelRegistryTest, WarmUpStepsEveryBucket) {
  EXPECT_THAT(StepBuckets(1), ElementsAre(1));
  EXPECT_THAT(StepBuckets(8), ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(StepBuckets(24), ElementsAre(1, 2, 4, 8, 16, 24));
  const auto engine = test::TinyEngine(24);
  const auto measured = WarmUp(engine.get(), *Clock::Steady());
  ASSERT_OK(measured);
  ASSERT_EQ(measured->size(), 6u);
  for (const MeasuredStep& step : *measured) EXPECT_GT(step.duration, absl::ZeroDuration());
}

TEST_F(ModelRegistryTest, SeveralVersionsOfANameAreServedAndTheHighestIsTheDefault) {
  ASSERT_OK(registry_.Load("m", Write("1.9")));
  ASSERT_OK(registry_.Load("m", Write("1.10")));
  EXPECT_EQ((*registry_.Find("m"))->version(), "1.10");
  EXPECT_EQ((*registry_.Find(""))->version(), "1.10") << "one name, two versions";
  EXPECT_EQ((*registry_.Find("m", "1.9"))->version(), "1.9");
  EXPECT_EQ(ReasonOfFind("m", "2"), "UNKNOWN_VERSION");
  EXPECT_EQ(ReasonOfFind("n"), "UNKNOWN_MODEL");
  const auto listed = registry_.List();
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].model->version(), "1.9");
  EXPECT_FALSE(listed[0].default_version);
  EXPECT_TRUE(listed[1].default_version);
}

TEST_F(ModelRegistryTest, APinnedVersionStaysTheDefault) {
  ASSERT_OK(registry_.Load("m", Write("1"), /*pinned=*/true));
  ASSERT_OK(registry_.Load("m", Write("2")));
  EXPECT_EQ((*registry_.Find("m"))->version(), "1");
}

TEST_F(ModelRegistryTest, TheSameVersionTwiceIsRefusedAndTheFirstStays) {
  const auto first = registry_.Load("m", Write("1"));
  ASSERT_OK(first);
  EXPECT_EQ(ReasonOf(registry_.Load("m", Write("1", 2)).status()), "MODEL_EXISTS");
  EXPECT_EQ(*registry_.Find("m"), *first);
}

TEST_F(ModelRegistryTest, UnloadingFreesTheModelWhenItsLastCallEnds) {
  ASSERT_OK(registry_.Load("m", Write("1")));
  std::shared_ptr<ServedModel> call = *registry_.Find("m");
  const std::weak_ptr<ServedModel> model = call;
  const std::weak_ptr<const bundle::Bundle> bundle = call->bundle();
  ASSERT_OK(registry_.Unload("m", ""));
  EXPECT_EQ(ReasonOfFind("m"), "UNKNOWN_MODEL");
  EXPECT_FALSE(model.expired());
  call.reset();
  EXPECT_TRUE(model.expired());
  EXPECT_TRUE(bundle.expired()) << "its memory is given back";
  EXPECT_EQ(ReasonOf(registry_.Unload("m", "")), "UNKNOWN_MODEL");
}

TEST_F(ModelRegistryTest, OneOfSeveralVersionsMustBeNamedToUnload) {
  ASSERT_OK(registry_.Load("m", Write("1")));
  ASSERT_OK(registry_.Load("m", Write("2")));
  EXPECT_EQ(ReasonOf(registry_.Unload("m", "")), "VERSION_REQUIRED");
  EXPECT_EQ(ReasonOf(registry_.Unload("m", "3")), "UNKNOWN_VERSION");
  ASSERT_OK(registry_.Unload("m", "2"));
  EXPECT_EQ((*registry_.Find("m"))->version(), "1");
}

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
  while (!first.expired()) ASSERT_OK(registry_.Find("m"));
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
    ASSERT_OK(listener->ended.get_future().get());
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

TEST_F(ModelRegistryTest, JobsOfManyThreadsEndOnceAmidReloadsAndCancels) {
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
  std::atomic<int> complete{0}, cancelled{0};
  std::vector<std::thread> callers;
  for (uint64_t caller = 0; caller < 6; ++caller) {
    callers.emplace_back([&, caller] {
      std::mt19937_64 random(caller);
      for (int k = 0; k < 15; ++k) {
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
        const absl::Status status = listener->ended.get_future().get();
        if (status.ok()) {
          EXPECT_EQ(listener->rows, rows);
          ++complete;
        } else {
          EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
          ++cancelled;
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  done = true;
  operators.join();
  waker.join();
  EXPECT_EQ(complete + cancelled, 6 * 15);
  EXPECT_GT(complete, 0);
  const auto model = *registry_.Find("m");
  EXPECT_EQ(model->scheduler().queued_rows(), 0);
}

}  // namespace
}  // namespace unlasting::server
