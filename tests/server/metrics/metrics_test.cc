#include "server/metrics/metrics.h"

#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/metrics/process_stats.h"
#include "tests/support/files.h"
#include "tests/support/wait_until.h"

namespace unlasting::server {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Metrics, CountsCallsByMethodAndCodeAndRefusalsByReason) {
  Metrics metrics;
  metrics.CountCall("Predict", absl::OkStatus(), absl::Seconds(1));
  metrics.CountCall("Predict", WithReason(absl::NotFoundError("x"), "UNKNOWN_GENE"),
                    absl::Seconds(1));
  const std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("unlasting_requests_total{code=\"OK\",method=\"Predict\"} 1"));
  EXPECT_THAT(text, HasSubstr("unlasting_requests_total{code=\"NOT_FOUND\",method=\"Predict\"} 1"));
  EXPECT_THAT(text, HasSubstr("unlasting_request_errors_total{reason=\"UNKNOWN_GENE\"} 1"));
  EXPECT_THAT(text, HasSubstr("unlasting_request_duration_seconds_count{method=\"Predict\"} 2"));
}

std::vector<std::string> Lines(const std::string& text) {
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

// Every name, kind and label that the server may expose, one a line.
std::string Contract(const std::string& text) {
  std::map<std::string, std::set<std::string>> labels;
  std::map<std::string, std::string> kinds;
  for (const std::string& line : Lines(text)) {
    if (absl::StartsWith(line, "# TYPE ")) {
      const std::vector<std::string> words = absl::StrSplit(line, ' ');
      kinds[words[2]] = words[3];
    }
    if (line[0] == '#') continue;
    std::string name = line.substr(0, line.find_first_of("{ "));
    if (kinds.count(name) == 0) {
      // Parts of a histogram.
      name = name.substr(0, name.rfind('_'));
    }
    std::set<std::string>& of_name = labels[name];
    const size_t open = line.find('{');
    if (open == std::string::npos) continue;
    for (const absl::string_view pair :
         absl::StrSplit(line.substr(open + 1, line.rfind('}') - open - 1), ',')) {
      const std::vector<absl::string_view> parts = absl::StrSplit(pair, '=');
      if (parts[0] != "le") of_name.insert(std::string(parts[0]));
    }
  }
  std::string contract;
  for (const auto& [name, of_name] : labels) {
    absl::StrAppend(&contract, name, " ", kinds[name], of_name.empty() ? "" : " ",
                    absl::StrJoin(of_name, ","), "\n");
  }
  return contract;
}

TEST(Metrics, NamesKindsAndLabelsAreThoseOfTheGoldenFile) {
  Metrics metrics;
  metrics.CountCall("Predict", absl::InternalError("x"), absl::Seconds(1));
  metrics.CountPrediction("m", "1", 1, {});
  metrics.CountCancelled(CallPhase::kRunning);
  metrics.ObserveWrite(absl::Seconds(1));
  metrics.CountControlLookup(true);
  metrics.CountReload("m", true);
  metrics.SetModels({{"m", "1", "abc"}});
  const auto observer = metrics.ForModel("m", "1");
  observer->OnStep(1, absl::Seconds(1));
  const auto golden = ReadFile("tests/server/metrics/metrics.golden");
  ASSERT_OK(golden);
  EXPECT_EQ(Contract(metrics.Expose()), *golden)
      << "names are a contract with dashboards: change this file and docs/operations.md with them";
}

TEST(Metrics, EveryNameIsInTheOperatorsTable) {
  const auto golden = ReadFile("tests/server/metrics/metrics.golden");
  const auto document = ReadFile("docs/operations.md");
  ASSERT_OK(golden);
  ASSERT_OK(document);
  ASSERT_THAT(Lines(*golden), Not(testing::IsEmpty()));
  for (const std::string& line : Lines(*golden)) {
    EXPECT_THAT(*document, HasSubstr(absl::StrCat("`", line.substr(0, line.find(' ')), "`")));
  }
}

TEST(Metrics, CancelledCallsAreCountedByPhase) {
  Metrics metrics;
  metrics.CountCancelled(CallPhase::kPreparing);
  metrics.CountCancelled(CallPhase::kQueued);
  metrics.CountCancelled(CallPhase::kWriting);
  metrics.CountCancelled(CallPhase::kWriting);
  const std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("unlasting_cancelled_requests_total{phase=\"preparing\"} 1"));
  EXPECT_THAT(text, HasSubstr("unlasting_cancelled_requests_total{phase=\"queued\"} 1"));
  EXPECT_THAT(text, HasSubstr("unlasting_cancelled_requests_total{phase=\"writing\"} 2"));
}

TEST(Metrics, TheProcessDescribesItself) {
  const std::string text = Metrics().Expose({5, 6, true, {}});
  EXPECT_THAT(text, HasSubstr("unlasting_control_store_bytes 5"));
  EXPECT_THAT(text, HasSubstr("unlasting_request_memory_bytes 6"));
  EXPECT_THAT(text, HasSubstr("unlasting_ready 1"));
  const ProcessStats stats = ReadProcessStats();
  EXPECT_GT(stats.resident_bytes, 1 << 20);
  EXPECT_GT(stats.threads, 0);
  EXPECT_GT(stats.open_files, 2);
  EXPECT_GT(stats.max_open_files, stats.open_files);
  EXPECT_GT(stats.start_seconds, 1.6e9);
  EXPECT_TRUE(test::WaitUntil([] { return ReadProcessStats().cpu_seconds > 0; }));
}

TEST(Metrics, StepsOfAModelAreAnObservation) {
  Metrics metrics;
  const auto observer = metrics.ForModel("m", "1");
  observer->OnStep(10, absl::Milliseconds(5));
  observer->OnStep(6, absl::Milliseconds(5));
  observer->OnLoad({6, 3, 100, 4096});
  JobTimings timings;
  timings.queue = absl::Milliseconds(2);
  metrics.CountPrediction("m", "1", 40, timings);
  const std::string text = metrics.Expose();
  const std::string labels = "{model=\"m\",version=\"1\"}";
  EXPECT_THAT(text, HasSubstr("unlasting_evaluations_total" + labels + " 16"));
  EXPECT_THAT(text, HasSubstr("unlasting_steps_total" + labels + " 2"));
  EXPECT_THAT(text, HasSubstr("unlasting_step_rows_bucket{model=\"m\",version=\"1\",le=\"8\"} 1"));
  EXPECT_THAT(text, HasSubstr("unlasting_active_rows" + labels + " 6"));
  EXPECT_THAT(text, HasSubstr("unlasting_active_jobs" + labels + " 3"));
  EXPECT_THAT(text, HasSubstr("unlasting_queued_rows" + labels + " 100"));
  EXPECT_THAT(text, HasSubstr("unlasting_queued_bytes" + labels + " 4096"));
  EXPECT_THAT(text, HasSubstr("unlasting_predicted_cells_total" + labels + " 40"));
  EXPECT_THAT(text, HasSubstr("unlasting_queue_duration_seconds_count" + labels + " 1"));
}

TEST(Metrics, CachesCountOnWhenAModelIsReplacedAndTheirBytesGo) {
  Metrics metrics;
  auto old = metrics.ForModel("m", "1");
  SchedulerLoad load;
  load.latents = {5, 2, 1000};
  load.thresholds = {1, 1, 50};
  old->OnLoad(load);
  load.latents = {9, 3, 1500};
  old->OnLoad(load);
  const auto next = metrics.ForModel("m", "1");
  load.latents = {1, 1, 500};
  next->OnLoad(load);
  old.reset();
  const std::string text = metrics.Expose();
  const std::string labels = "{model=\"m\",version=\"1\"}";
  const auto looked = [](const char* name, const char* result, int count) {
    return absl::StrCat("unlasting_", name, "_cache_lookups_total{model=\"m\",result=\"", result,
                        "\",version=\"1\"} ", count);
  };
  EXPECT_THAT(text, HasSubstr(looked("latent", "hit", 10)));
  EXPECT_THAT(text, HasSubstr(looked("latent", "miss", 4)));
  EXPECT_THAT(text, HasSubstr(looked("threshold", "hit", 2)));
  EXPECT_THAT(text, HasSubstr("unlasting_latent_cache_bytes" + labels + " 500"));
  EXPECT_THAT(text, HasSubstr("unlasting_threshold_cache_bytes" + labels + " 50"));
}

TEST(Metrics, DevicesOtherThanTheCpuTellTheirMemory) {
  MetricsSample sample;
  sample.device_bytes["cuda:0"] = 77;
  EXPECT_THAT(Metrics().Expose(sample),
              HasSubstr("unlasting_device_memory_bytes{device=\"cuda:0\"} 77"));
}

TEST(Metrics, AModelThatDrainsAddsToItsSuccessor) {
  Metrics metrics;
  auto old = metrics.ForModel("m", "1");
  const auto next = metrics.ForModel("m", "1");
  old->OnLoad({0, 1, 10, 0});
  next->OnLoad({0, 2, 20, 0});
  EXPECT_THAT(metrics.Expose(), HasSubstr("unlasting_queued_rows{model=\"m\",version=\"1\"} 30"));
  old.reset();
  EXPECT_THAT(metrics.Expose(), HasSubstr("unlasting_queued_rows{model=\"m\",version=\"1\"} 20"));
}

TEST(Metrics, AModelThatIsGoneLeavesNoSeries) {
  Metrics metrics;
  const std::string before = metrics.Expose();
  const auto kept = metrics.ForModel("kept", "1");
  for (int k = 0; k < 3; ++k) {
    auto gone = metrics.ForModel("gone", "1");
    const auto successor = metrics.ForModel("gone", "1");
    gone->OnStep(4, absl::Milliseconds(1));
    gone->OnLoad({4, 1, 10, 1024});
    metrics.CountPrediction("gone", "1", 4, {});
    gone.reset();
    EXPECT_THAT(metrics.Expose(), HasSubstr("unlasting_steps_total{model=\"gone\""));
    successor->OnStep(1, absl::Milliseconds(1));
  }
  const std::string after = metrics.Expose();
  EXPECT_THAT(after, Not(HasSubstr("gone")));
  EXPECT_THAT(after, HasSubstr("unlasting_steps_total{model=\"kept\""));
}

TEST(Metrics, ModelInfoFollowsTheModelsInService) {
  Metrics metrics;
  metrics.SetModels({{"m", "1", "abc"}, {"n", "1", "123"}});
  metrics.SetModels({{"m", "2", "def"}});
  const std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("version=\"2\""));
  EXPECT_THAT(text, Not(HasSubstr("hash=\"abc\"")));
  EXPECT_THAT(text, Not(HasSubstr("hash=\"123\"")));
}

}  // namespace
}  // namespace unlasting::server
