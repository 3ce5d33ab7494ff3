#include "core/evaluate/shift_baselines.h"

#include <cmath>
#include <random>

#include "core/evaluate/ridge.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::evaluate {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;

TrainedCondition Knockout(const std::string& gene, std::vector<double> shift) {
  TrainedCondition condition;
  condition.perturbed.key = gene + "+ctrl";
  condition.perturbed.genes = {gene};
  condition.shift = std::move(shift);
  return condition;
}

TrainedCondition Drug(const std::string& name, double log_dose, std::vector<double> shift) {
  TrainedCondition condition;
  condition.perturbed.key = name + "@" + std::to_string(log_dose);
  condition.perturbed.drug = name;
  condition.perturbed.features = {name == "D" ? 1.0 : 0.0, log_dose};
  condition.shift = std::move(shift);
  return condition;
}

Perturbed Pair(const std::string& a, const std::string& b) {
  Perturbed pair;
  pair.key = a + "+" + b;
  pair.genes = {a, b};
  return pair;
}

TEST(RidgeTest, FindsALineThatIsThere) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  std::vector<std::vector<double>> features, profiles;
  for (int k = 0; k < 40; ++k) {
    const double a = normal(random), b = normal(random);
    features.push_back({a, b, normal(random)});
    profiles.push_back({3 + 2 * a, 1 - b, a + b});
  }
  const auto ridge = Ridge::Fit(features, profiles);
  ASSERT_TRUE(ridge.has_value());
  const auto profile = ridge->Predict({1, -1, 5});
  EXPECT_NEAR(profile[0], 5, 0.1);
  EXPECT_NEAR(profile[1], 2, 0.1);
  EXPECT_NEAR(profile[2], 0, 0.1);
}

TEST(RidgeTest, LeavesNearlyTheMeanWhereFeaturesSayNothing) {
  std::mt19937 random(2);
  std::normal_distribution<double> normal;
  std::vector<std::vector<double>> features, profiles;
  for (int k = 0; k < 30; ++k) {
    features.push_back({normal(random), normal(random)});
    profiles.emplace_back();
    for (int g = 0; g < 200; ++g) profiles.back().push_back(1 + normal(random));
  }
  const auto ridge = Ridge::Fit(features, profiles);
  ASSERT_TRUE(ridge.has_value());
  const auto near = ridge->Predict({0, 0}), far = ridge->Predict({2, -2});
  double moved = 0;
  for (size_t g = 0; g < near.size(); ++g) moved += std::abs(far[g] - near[g]) / 200;
  EXPECT_LT(moved, 0.1);
}

TEST(RidgeTest, IsAbsentForTooFewOrFeaturesThatDoNotVary) {
  EXPECT_FALSE(Ridge::Fit({{1}, {2}}, {{1}, {2}}).has_value());
  EXPECT_FALSE(Ridge::Fit({{1}, {1}, {1}}, {{1}, {2}, {3}}).has_value());
}

TEST(ShiftBaselinesTest, MeanShiftIsTheConditionsOwnThenItsDrugsThenThatOfAll) {
  const ShiftBaselines baselines(
      {Knockout("A", {6, 0}), Drug("D", 0, {1, 1}), Drug("D", 1, {2, 3})}, {});
  Perturbed wanted;
  wanted.key = "A+ctrl";
  EXPECT_THAT(*baselines.MeanShift(wanted), ElementsAre(6, 0));
  wanted.key = "D@2";
  wanted.drug = "D";
  EXPECT_THAT(*baselines.MeanShift(wanted), ElementsAre(1.5f, 2));
  wanted.key = wanted.drug = "E";
  EXPECT_THAT(*baselines.MeanShift(wanted), ElementsAre(3, FloatNear(4.0f / 3, 1e-6f)));
  EXPECT_FALSE(ShiftBaselines().MeanShift(wanted).has_value());
}

TEST(ShiftBaselinesTest, AddsTheSinglesOfAPairWhereBothWereTrainedOn) {
  const ShiftBaselines baselines({Knockout("A", {1, 0}), Knockout("B", {0.5, 2})}, {});
  EXPECT_THAT(*baselines.Additive(Pair("A", "B")), ElementsAre(1.5f, 2));
  EXPECT_FALSE(baselines.Additive(Pair("A", "C")).has_value());
  EXPECT_FALSE(baselines.Additive(Knockout("A", {}).perturbed).has_value());
}

TEST(ShiftBaselinesTest, AnUnseenKnockoutIsLikeThoseOfGenesThatAnswerAlike) {
  // Genes a, b and e answer alike, c, d and f the other way round; x answers to a as to e.
  const ShiftBaselines baselines(
      {Knockout("a", {-9, 1, -1, -1, 1, -1, 4}), Knockout("c", {-1, -1, -9, 1, -1, 1, -4}),
       Knockout("e", {1, 1, -1, -1, -9, -1, 4}), Knockout("f", {-1, -1, 1, 1, -1, -9, -4})},
      {{"a", 0}, {"b", 1}, {"c", 2}, {"d", 3}, {"e", 4}, {"f", 5}, {"x", 6}});
  const auto b = baselines.Linear(Knockout("b", {}).perturbed);
  const auto d = baselines.Linear(Knockout("d", {}).perturbed);
  ASSERT_TRUE(b.has_value() && d.has_value());
  EXPECT_GT((*b)[6], 0.5f);
  EXPECT_LT((*d)[6], -0.5f);
  EXPECT_FALSE(baselines.Linear(Knockout("unmeasured", {}).perturbed).has_value());
  // A condition that was trained on has its own shift.
  EXPECT_FALSE(baselines.Linear(Knockout("a", {}).perturbed).has_value());
}

TEST(ShiftBaselinesTest, ADrugAtAnUnseenDoseLiesOnTheLineOfItsDoses) {
  const ShiftBaselines baselines({Drug("D", -2, {0.0}), Drug("D", -1, {1.0}), Drug("D", 0, {2.0}),
                                  Drug("D", 2, {4.0}), Drug("E", 0, {2.1})},
                                 {});
  const auto shift = baselines.Linear(Drug("D", 1, {}).perturbed);
  ASSERT_TRUE(shift.has_value());
  EXPECT_THAT((*shift)[0], FloatNear(3, 0.15f));
  Perturbed without_structure;
  without_structure.key = without_structure.drug = "F";
  EXPECT_FALSE(baselines.Linear(without_structure).has_value());
}

TEST(ShiftBaselinesTest, GivesAGroupItsBaselines) {
  const ShiftBaselines baselines({Knockout("A", {1, -5}), Knockout("B", {0.5, 2})}, {});
  Group group;
  group.control = DenseMatrix(1, 2);
  group.control.values = {1, 1};
  baselines.AddTo(Pair("A", "B"), "T", &group);
  ASSERT_TRUE(group.mean_shift.has_value());
  EXPECT_THAT(group.further_baselines.at("additive").values, ElementsAre(2.5f, 0));
  EXPECT_EQ(group.further_baselines.count("linear"), 0u);
}

TrainedCondition In(const std::string& type, TrainedCondition condition) {
  condition.cell_type = type;
  return condition;
}

TEST(ShiftBaselinesTest, ComeFromTheCellTypeWhereItsPerturbedCellsWereTrained) {
  const ShiftBaselines baselines({In("T", Knockout("A", {1, 0})), In("U", Knockout("A", {3, 0})),
                                  In("U", Knockout("B", {5, 0}))},
                                 {{"A", 0}, {"B", 1}});
  const Perturbed a = Knockout("A", {}).perturbed, b = Knockout("B", {}).perturbed;
  const Perturbed c = Knockout("C", {}).perturbed;
  EXPECT_THAT(*baselines.MeanShift(a, "T"), ElementsAre(1, 0));
  EXPECT_THAT(*baselines.MeanShift(a, "U"), ElementsAre(3, 0));
  EXPECT_THAT(*baselines.MeanShift(b, "T"), ElementsAre(5, 0)) << "the condition's in other types";
  EXPECT_THAT(*baselines.MeanShift(c, "T"), ElementsAre(1, 0)) << "the mean of the type's own";
  EXPECT_THAT(*baselines.Additive(Pair("A", "B"), "T"), ElementsAre(6, 0)) << "A here, B elsewhere";
  EXPECT_THAT(*baselines.MeanShift(a, "V"), ElementsAre(2, 0)) << "the mean over the other types";
  EXPECT_FALSE(baselines.HasCellType("V"));
}

TEST(ShiftBaselinesTest, OfADrugThatOnlyOtherCellTypesHadComeFromThese) {
  const ShiftBaselines baselines({In("T", Drug("E", 0, {7})), In("U", Drug("D", 0, {1})),
                                  In("U", Drug("D", 1, {3})), In("V", Drug("E", 0, {9}))},
                                 {});
  const Perturbed other_dose = Drug("D", 2, {}).perturbed;
  EXPECT_THAT(*baselines.MeanShift(other_dose, "T"), ElementsAre(2));
  Group group;
  group.control = DenseMatrix(2, 1);
  baselines.AddTo(other_dose, "T", &group);
  EXPECT_EQ(group.baselines_from, "other cell types, which had the drug (linear: this cell type)");
}

TEST(ShiftBaselinesTest, SayWhatTrainingHadOfAGroupAndWhereTheyComeFrom) {
  const ShiftBaselines baselines({In("T", Knockout("A", {1})), In("U", Knockout("B", {2}))},
                                 {{"A", 0}});
  const auto trained = [&baselines](const std::string& gene, const std::string& type) {
    Group group;
    group.control = DenseMatrix(2, 1);
    baselines.AddTo(Knockout(gene, {}).perturbed, type, &group);
    return group.trained + ", " + group.baselines_from;
  };
  EXPECT_EQ(trained("A", "T"), "condition and cell type together, this cell type");
  EXPECT_EQ(trained("B", "T"),
            "condition in other cell types, cell type with other conditions, other cell types, "
            "which had the condition (linear: this cell type)");
  EXPECT_EQ(trained("C", "T"), "cell type with other conditions, this cell type");
  EXPECT_EQ(trained("A", "V"), "condition in other cell types, other cell types");
  EXPECT_EQ(trained("C", "V"), "neither condition nor cell type, other cell types");
}

TEST(ShiftBaselinesTest, TheTextCountsGroupsByWhatWasSeen) {
  Scorecard scorecard;
  EXPECT_EQ(scorecard.TrainedText(), "");
  scorecard.groups.resize(2);
  scorecard.groups[0].key = {{"condition", "A+ctrl"}, {"cell_type", "T"}};
  scorecard.groups[0].trained = "condition and cell type together";
  scorecard.groups[0].baselines_from = "this cell type";
  scorecard.groups[1] = scorecard.groups[0];
  scorecard.groups[1].trained = "neither condition nor cell type";
  scorecard.groups[1].baselines_from = "other cell types";
  const std::string text = scorecard.TrainedText();
  EXPECT_NE(text.find("condition and cell type together for 1 of 2 groups: A+ctrl / T."),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("of other cell types for 1 of 2 groups"), std::string::npos) << text;
}

}  // namespace
}  // namespace unlasting::evaluate
