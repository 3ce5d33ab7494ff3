#include "server/metrics/metrics.h"

#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

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
  EXPECT_THAT(text, HasSubstr("unlasting_rejected_total{reason=\"UNKNOWN_GENE\"} 1"));
  EXPECT_THAT(text, HasSubstr("unlasting_request_duration_seconds_count{method=\"Predict\"} 2"));
}

TEST(Metrics, StepsOfAModelAreAnObservation) {
  Metrics metrics;
  StepObserver* observer = metrics.ForModel("m");
  EXPECT_EQ(observer, metrics.ForModel("m"));
  observer->OnStep(10, absl::Milliseconds(5));
  observer->OnStep(6, absl::Milliseconds(5));
  observer->OnLoad(100, 3);
  JobTimings timings;
  timings.queue = absl::Milliseconds(2);
  metrics.CountPrediction("m", 40, timings);
  const std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("unlasting_evaluations_total{model=\"m\"} 16"));
  EXPECT_THAT(text, HasSubstr("unlasting_steps_total{model=\"m\"} 2"));
  EXPECT_THAT(text, HasSubstr("unlasting_step_rows_bucket{model=\"m\",le=\"8\"} 1"));
  EXPECT_THAT(text, HasSubstr("unlasting_queued_rows{model=\"m\"} 100"));
  EXPECT_THAT(text, HasSubstr("unlasting_active_jobs{model=\"m\"} 3"));
  EXPECT_THAT(text, HasSubstr("unlasting_rows_total{model=\"m\"} 40"));
  EXPECT_THAT(text, HasSubstr("unlasting_queue_seconds_count{model=\"m\"} 1"));
}

TEST(Metrics, ModelInfoFollowsTheModelInService) {
  Metrics metrics;
  metrics.SetModelInfo("m", "1", "abc");
  metrics.SetModelInfo("m", "2", "def");
  const std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("version=\"2\""));
  EXPECT_THAT(text, Not(HasSubstr("hash=\"abc\"")));
}

}  // namespace
}  // namespace unlasting::server
