#include "core/evaluate/risk_coverage.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::evaluate {
namespace {

using ::testing::HasSubstr;

void Add(double predicted, double error, bool calibrated, Scorecard* card) {
  GroupScores group;
  group.scores["e_distance.unbiased.all"] = error;
  group.predicted =
      PredictedDistance{predicted, 0.5 * predicted, 2 * predicted, calibrated, "kind", 20};
  card->groups.push_back(group);
}

TEST(RiskCoverage, TheLeastSureAreLeftOutFirst) {
  Scorecard card;
  for (const double error : {4.0, 1.0, 3.0, 2.0, 10.0, 5.0, 6.0, 7.0, 8.0, 9.0}) {
    Add(error, error, true, &card);
  }
  const RiskCoverage risk = RiskCoverageOf(card);
  EXPECT_EQ(risk.groups, 10);
  ASSERT_EQ(risk.curve.size(), 10u);
  EXPECT_DOUBLE_EQ(risk.curve[0].first, 0.1);
  EXPECT_DOUBLE_EQ(risk.curve[0].second, 1);
  EXPECT_DOUBLE_EQ(risk.mean, 5.5);
  EXPECT_DOUBLE_EQ(risk.abstained, 4);
  EXPECT_EQ(risk.curve, risk.best);
  EXPECT_EQ(risk.covered, 10);
}

TEST(RiskCoverage, CountsIntervalsThatCoverAndBoundsTheirShare) {
  Scorecard card;
  for (int k = 0; k < 18; ++k) Add(1, 1.5, true, &card);
  for (int k = 0; k < 2; ++k) Add(1, 3, true, &card);
  Add(1, 3, false, &card);
  const RiskCoverage risk = RiskCoverageOf(card);
  EXPECT_EQ(risk.groups, 21);
  EXPECT_EQ(risk.intervals, 20);
  EXPECT_EQ(risk.covered, 18);
  // Clopper and Pearson's of 18 in 20.
  EXPECT_NEAR(risk.covered_low, 0.6830, 1e-3);
  EXPECT_NEAR(risk.covered_high, 0.9877, 1e-3);
  EXPECT_THAT(RiskCoverageText(risk), HasSubstr("18 of 20 intervals cover"));
}

TEST(RiskCoverage, OfAFewGroupsNoneIsLeftOut) {
  Scorecard card;
  Add(1, 0.5, true, &card);
  EXPECT_THAT(RiskCoverageText(RiskCoverageOf(card)),
              HasSubstr("is 0.5 over 1 group, too few to leave out"));
  Add(1, 0.7, true, &card);
  Add(1, 0.9, true, &card);
  EXPECT_THAT(RiskCoverageText(RiskCoverageOf(card)),
              HasSubstr("is 0.7 over 3 groups, too few to leave out"));
  Add(2, 1.9, true, &card);
  EXPECT_THAT(RiskCoverageText(RiskCoverageOf(card)),
              HasSubstr("is 1 over all 4 groups and 0.7 without the 30 % of them"));
}

TEST(RiskCoverage, AllAndNoneCoveredStayWithinZeroAndOne) {
  Scorecard all, none;
  Add(1, 1, true, &all);
  Add(1, 5, true, &none);
  EXPECT_DOUBLE_EQ(RiskCoverageOf(all).covered_high, 1);
  EXPECT_DOUBLE_EQ(RiskCoverageOf(none).covered_low, 0);
}

TEST(RiskCoverage, GroupsWithoutEitherNumberTakeNoPart) {
  Scorecard card;
  EXPECT_EQ(RiskCoverageText(RiskCoverageOf(card)), "");
  Add(1, std::numeric_limits<double>::quiet_NaN(), true, &card);
  card.groups.emplace_back();
  EXPECT_EQ(RiskCoverageOf(card).groups, 0);
  EXPECT_EQ(card.ToJson().count("risk_coverage"), 0u);
  Add(1, 2, false, &card);
  EXPECT_THAT(RiskCoverageText(RiskCoverageOf(card)), HasSubstr("No kind"));
  EXPECT_EQ(card.ToJson().at("groups")[2].at("predicted_error").count("interval"), 0u);
}

}  // namespace
}  // namespace unlasting::evaluate
