#include "trainer/response/context_rule.h"

#include <gtest/gtest.h>

#include <cmath>

namespace unlasting::trainer {
namespace {

Moments Control(std::initializer_list<double> mean, double share) {
  Moments moments;
  moments.cells = 100;
  moments.mean = mean;
  moments.share = GeneValues(share, mean.size());
  moments.variance = GeneValues(0.1, mean.size());
  moments.kurtosis = GeneValues(3.0, mean.size());
  return moments;
}

Response Change(std::initializer_list<double> mean, double logit) {
  Response response = ZeroResponse(static_cast<int64_t>(mean.size()));
  response.mean = mean;
  response.active_logit = logit;
  return response;
}

class ContextRuleTest : public testing::Test {
 protected:
  const Moments here_ = Control({1.0, 2.0}, 0.5);
  const Moments near_ = Control({1.1, 2.0}, 0.5), far_ = Control({3.0, 2.0}, 0.8);
  const std::vector<MeasuredContext> measured_ = {
      {ContextDistance(here_, near_), &near_, Change({1.0, 0.0}, 1.0)},
      {ContextDistance(here_, far_), &far_, Change({3.0, 0.0}, 3.0)}};
};

TEST_F(ContextRuleTest, WithoutPowerEveryContextCountsTheSame) {
  const Response response = CarryOver(ContextRule{}, here_, measured_);
  EXPECT_NEAR(response.mean[0], 2.0, 1e-12);
  EXPECT_NEAR(response.active_logit[0], 2.0, 1e-12);
}

TEST_F(ContextRuleTest, WithPowerTheNearContextDecides) {
  const Response response = CarryOver(ContextRule{8, 1, 1}, here_, measured_);
  EXPECT_NEAR(response.mean[0], 1.0, 1e-6);
}

TEST_F(ContextRuleTest, WithSlopeZeroThePerturbedCellsAreThoseOfTheOtherContexts) {
  const Response response = CarryOver(ContextRule{8, 0, 0}, here_, measured_);
  EXPECT_NEAR(here_.mean[0] + response.mean[0], 1.1 + 1.0, 1e-5);
}

TEST_F(ContextRuleTest, AMixtureIsTheWeightedMeanOfItsRules) {
  const Response a = CarryOver(ContextRule{0, 1, 1}, here_, measured_);
  const Response b = CarryOver(ContextRule{4, 0.5, 0.5}, here_, measured_);
  const Response both =
      CarryOver({{ContextRule{0, 1, 1}, 0.25}, {ContextRule{4, 0.5, 0.5}, 0.75}}, here_, measured_);
  EXPECT_NEAR(both.mean[0], 0.25 * a.mean[0] + 0.75 * b.mean[0], 1e-12);
  EXPECT_NEAR(both.active_logit[1], 0.25 * a.active_logit[1] + 0.75 * b.active_logit[1], 1e-12);
}

TEST_F(ContextRuleTest, WithoutRulesNothingChanges) {
  const Response response = CarryOver(std::vector<WeightedRule>{}, here_, measured_);
  EXPECT_EQ(response.mean[0], 0);
  EXPECT_EQ(response.active_logit[0], 0);
}

TEST_F(ContextRuleTest, AContextWithTheSameControlsIsFollowedAlone) {
  std::vector<MeasuredContext> measured = measured_;
  measured[0].distance = ContextDistance(here_, here_);
  const Response response = CarryOver(ContextRule{2, 1, 1}, here_, measured);
  EXPECT_TRUE(std::isfinite(response.mean[0]));
  EXPECT_NEAR(response.mean[0], 1.0, 1e-6);
}

}  // namespace
}  // namespace unlasting::trainer
