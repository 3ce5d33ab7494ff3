// Weighted changes, dynamic range and saturation.
#include "core/evaluate/calibration.h"

#include <cmath>

#include "core/evaluate/numpy_random.h"
#include "core/evaluate/scorer.h"
#include "core/evaluate/weighted_change.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::evaluate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

GroupScores GroupOf(double no_change, double mean_shift, double ceiling) {
  GroupScores group;
  for (const auto& [name, value] : std::map<std::string, double>{
           {"no_change", no_change}, {"mean_shift", mean_shift}, {"ceiling", ceiling}}) {
    group.baselines[name] = {{"e_distance.unbiased.all", value}, {"weighted_mse_delta.all", value}};
  }
  return group;
}

TEST(CalibrationTest, ARangeIsTheShareOfTheWayThatAReplicateGoes) {
  Scorecard card;
  card.groups = {GroupOf(4, 2, 1), GroupOf(2, 2, 1)};
  const Calibration found = Calibrate(card);
  EXPECT_DOUBLE_EQ(found.dynamic_range.at("e_distance.unbiased.all"), (0.75 + 0.5) / 2);
}

TEST(CalibrationTest, ChangesAreHeldAgainstTheInterpolatedDuplicate) {
  Scorecard card;
  card.groups = {GroupOf(4, 2, 1)};
  card.groups[0].interpolated_duplicate = {{"weighted_mse_delta.all", 0.4}};
  const Calibration found = Calibrate(card);
  EXPECT_DOUBLE_EQ(found.dynamic_range.at("weighted_mse_delta.all"), 0.9);
  EXPECT_DOUBLE_EQ(found.dynamic_range.at("e_distance.unbiased.all"), 0.75);
}

// 60 cells of 30 genes per matrix, the true ones `change` above the others.
GroupScores ScoresOfChange(float change) {
  NumpyRandom random(5);
  Group group;
  group.key = {{"condition", "A"}};
  for (DenseMatrix* cells : {&group.truth, &group.control, &group.predicted}) {
    *cells = DenseMatrix(60, 30);
    for (float& value : cells->values) value = static_cast<float>(random.Below(1000)) / 500;
  }
  for (float& value : group.truth.values) value += change;
  return Score({group}, {1, 0, 0}).value().groups[0];
}

TEST(CalibrationTest, TheDuplicateIsTheHalfItselfWhereItsTestIsSure) {
  const GroupScores sure = ScoresOfChange(10), unsure = ScoresOfChange(0);
  EXPECT_NEAR(sure.interpolated_duplicate.at("weighted_mse_delta.all"),
              sure.baselines.at("ceiling").at("weighted_mse_delta.all"), 1e-9);
  EXPECT_GT(std::abs(unsure.interpolated_duplicate.at("weighted_mse_delta.all") -
                     unsure.baselines.at("ceiling").at("weighted_mse_delta.all")),
            1e-4);
}

TEST(CalibrationTest, AGroupIsSolvedByABaselineAsGoodAsTheCeiling) {
  Scorecard card;
  card.groups = {GroupOf(4, 0.9, 1), GroupOf(2, 2, 1)};
  const Calibration found = Calibrate(card);
  EXPECT_THAT(found.solved_by, ElementsAre(ElementsAre("mean_shift"), IsEmpty()));
}

TEST(CalibrationTest, UndefinedScoresSolveNothingAndCountNowhere) {
  Scorecard card;
  card.groups = {GroupOf(std::nan(""), std::nan(""), 1)};
  const Calibration found = Calibrate(card);
  EXPECT_THAT(found.solved_by, ElementsAre(IsEmpty()));
  EXPECT_THAT(found.dynamic_range, IsEmpty());
}

TEST(WeightedChangeTest, APerfectChangeHasNoErrorAndAConstantOneNoR2) {
  const std::vector<double> truth = {1, -2, 0.5}, weights = {0.5, 0.25, 0.25};
  const WeightedChange same = CompareChanges(truth, truth, weights);
  EXPECT_EQ(same.mse, 0);
  EXPECT_EQ(same.r2, 1);
  EXPECT_TRUE(std::isnan(CompareChanges({1, 1, 1}, {2, 2, 2}, weights).r2));
  EXPECT_EQ(CompareChanges({1, 1, 1}, {2, 2, 2}, weights).mse, 1);
}

TEST(WeightedChangeTest, TheWeightedMeanAsPredictionHasR2Zero) {
  const std::vector<double> truth = {1, -2, 0.5}, weights = {0.5, 0.25, 0.25};
  const double mean = 0.5 - 0.5 + 0.125;
  EXPECT_NEAR(CompareChanges({mean, mean, mean}, truth, weights).r2, 0, 1e-15);
}

TEST(WeightedChangeTest, GenesThatDoNotChangeWeighNothing) {
  DenseMatrix truth(4, 2), control(4, 2);
  for (int64_t r = 0; r < 4; ++r) {
    truth.At(r, 0) = control.At(r, 0) = static_cast<float>(r);
    truth.At(r, 1) = static_cast<float>(r) + 3;
    control.At(r, 1) = static_cast<float>(r);
  }
  EXPECT_THAT(ChangeWeights(truth, control), ElementsAre(0, 1));
  EXPECT_THAT(ChangeWeights(truth, truth), IsEmpty());
  EXPECT_THAT(ChangeWeights(DenseMatrix(1, 2), control), IsEmpty());
}

}  // namespace
}  // namespace unlasting::evaluate
