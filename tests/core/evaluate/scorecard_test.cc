#include <cmath>
#include <limits>
#include <random>

#include "absl/strings/str_cat.h"
#include "core/evaluate/scorer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::evaluate {
namespace {

using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::UnorderedElementsAre;

constexpr int kGenes = 50;

// Half of the values silent; the first ten genes moved by `shift`.
DenseMatrix RandomCells(int64_t rows, uint32_t seed, float shift = 0) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  DenseMatrix cells(rows, kGenes);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t g = 0; g < kGenes; ++g) {
      cells.At(r, g) = std::max(0.0f, normal(random) + (g < 10 ? shift : 0.0f));
    }
  }
  return cells;
}

Group MakeGroup(const std::string& condition, uint32_t seed, float shift) {
  Group group;
  group.key = {{"condition", condition}, {"cell_type", "T"}};
  group.truth = RandomCells(60, seed, shift);
  group.predicted = RandomCells(50, seed + 1, shift);
  group.control = RandomCells(80, seed + 2);
  group.mean_shift = std::vector<float>(kGenes, 0.0f);
  return group;
}

TEST(ScoreTest, GivesEveryNameOfTheContract) {
  const auto card = Score({MakeGroup("A+ctrl", 1, 2)}, {});
  ASSERT_TRUE(card.ok()) << card.status();
  const Scores& scores = card->groups[0].scores;
  for (const std::string set : {"all", "de20", "de40"}) {
    for (const std::string form : {"paper", "unbiased", "released", "squared"}) {
      EXPECT_TRUE(std::isfinite(scores.at(absl::StrCat("e_distance.", form, ".", set))))
          << form << set;
    }
    EXPECT_TRUE(std::isfinite(scores.at("emd." + set)));
    EXPECT_GT(scores.at("pearson_delta." + set), 0.8);
  }
  EXPECT_GE(scores.at("de_overlap.de20"), 0.5);
  EXPECT_LT(scores.at("silent_share_error.all"), 0.1);
  EXPECT_NEAR(scores.at("mmd.all"), 0, 0.05);
  EXPECT_EQ(card->groups[0].n_predicted, 50);
  EXPECT_EQ(card->groups[0].n_true, 60);
  EXPECT_EQ(card->groups[0].n_control, 80);
  EXPECT_EQ(card->mean.at("emd.all"), scores.at("emd.all"));
}

TEST(ScoreTest, SetsTheModelBesideTheBaselines) {
  Group group = MakeGroup("A+ctrl", 1, 2);
  std::fill_n(group.mean_shift->begin(), 10, 2.0f);
  group.further_baselines["additive"] = group.control;
  const auto card = Score({group}, {});
  ASSERT_TRUE(card.ok());
  const auto& baselines = card->groups[0].baselines;
  EXPECT_THAT(baselines, UnorderedElementsAre(Key("no_change"), Key("mean_shift"), Key("ceiling"),
                                              Key("additive")));
  const auto e = [&](const char* name) { return baselines.at(name).at("e_distance.unbiased.all"); };
  EXPECT_LT(e("mean_shift"), e("no_change"));
  EXPECT_NEAR(e("ceiling"), 0, 0.3);
  EXPECT_EQ(e("additive"), e("no_change"));
  EXPECT_EQ(card->groups[0].baseline_cells.at("ceiling"), 30);
}

TEST(ScoreTest, WithoutAMeanShiftItsBaselineIsLeftOut) {
  Group with = MakeGroup("A+ctrl", 1, 2), without = MakeGroup("B+ctrl", 5, 1);
  without.mean_shift.reset();
  const auto card = Score({with, without}, {});
  ASSERT_TRUE(card.ok());
  EXPECT_EQ(card->groups[1].baselines.count("mean_shift"), 0u);
  EXPECT_EQ(card->baselines.at("mean_shift").at("emd.all"),
            card->groups[0].baselines.at("mean_shift").at("emd.all"));
}

TEST(ScoreTest, APerfectPredictionIsDiscriminatedFromTheOtherGroups) {
  Group a = MakeGroup("A+ctrl", 1, 2), b = MakeGroup("B+ctrl", 5, 1), c = MakeGroup("C", 9, 0);
  c.key["cell_type"] = "alone";
  const auto card = Score({a, b, c}, {});
  ASSERT_TRUE(card.ok());
  EXPECT_EQ(card->groups[0].scores.at("discrimination.all"), 1);
  EXPECT_GT(card->groups[0].scores.at("pearson_delta_perturbed.all"), 0.5);
  EXPECT_EQ(card->groups[0].baselines.at("no_change").at("discrimination.all"), 0);
  EXPECT_EQ(card->groups[2].scores.count("discrimination.all"), 0u);
}

TEST(ScoreTest, OneTrueCellLeavesScoresUndefinedAndNullInJson) {
  Group group = MakeGroup("A+ctrl", 1, 2);
  group.truth = RandomCells(1, 3, 2);
  const auto card = Score({group, MakeGroup("B+ctrl", 5, 1)}, {});
  ASSERT_TRUE(card.ok());
  EXPECT_TRUE(std::isnan(card->groups[0].scores.at("e_distance.unbiased.all")));
  EXPECT_TRUE(std::isfinite(card->groups[0].scores.at("e_distance.paper.all")));
  EXPECT_TRUE(std::isnan(card->groups[0].scores.at("emd.de20")));
  EXPECT_EQ(card->groups[0].baselines.count("ceiling"), 0u);
  const auto json = card->ToJson();
  EXPECT_TRUE(json["groups"][0]["scores"]["e_distance.unbiased.all"].is_null());
  EXPECT_TRUE(json["groups"][1]["scores"]["e_distance.unbiased.all"].is_number());
  // Means are over the groups where the score is defined.
  EXPECT_EQ(json["mean"]["e_distance.unbiased.all"],
            json["groups"][1]["scores"]["e_distance.unbiased.all"]);
  EXPECT_THAT(card->Verdict(), HasSubstr("In 1 of 2 groups a single cell"));
}

TEST(ScoreTest, IsTheSameForEveryThreadCountAndSeeded) {
  const std::vector<Group> groups = {MakeGroup("A+ctrl", 1, 2), MakeGroup("B+ctrl", 5, 1)};
  ScoreOptions one, four, seeded;
  one.threads = 1;
  four.threads = 4;
  seeded.seed = 7;
  const auto first = Score(groups, one);
  EXPECT_EQ(first->ToJson(), Score(groups, four)->ToJson());
  EXPECT_NE(first->baselines.at("ceiling"), Score(groups, seeded)->baselines.at("ceiling"));
}

TEST(ScoreTest, ConstantGenesAreNoTrouble) {
  Group group = MakeGroup("A+ctrl", 1, 2);
  for (DenseMatrix* cells : {&group.truth, &group.predicted, &group.control}) {
    for (int64_t r = 0; r < cells->rows; ++r) cells->At(r, 20) = 0;
  }
  const auto card = Score({group}, {});
  ASSERT_TRUE(card.ok());
  ASSERT_FALSE(card->groups[0].scores.empty());
  for (const auto& [name, value] : card->groups[0].scores) {
    EXPECT_TRUE(std::isfinite(value)) << name;
  }
}

TEST(ScoreTest, RefusesWhatItCannotScoreAndNamesTheGroup) {
  const auto message = [](const Group& group) {
    const auto card = Score({group}, {});
    EXPECT_EQ(card.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(card.status().message());
  };
  Group group = MakeGroup("A+ctrl", 1, 2);
  group.predicted.At(3, 7) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(message(group),
            "group A+ctrl / T: predicted cells: found nan in cell 3, gene 7 (counted from 0), "
            "expected finite values");
  group = MakeGroup("A+ctrl", 1, 2);
  group.control = DenseMatrix(0, kGenes);
  EXPECT_EQ(message(group), "group A+ctrl / T: control cells: found no cells, expected 1 or more");
  group = MakeGroup("A+ctrl", 1, 2);
  group.predicted = DenseMatrix(5, kGenes - 1);
  EXPECT_EQ(message(group),
            "group A+ctrl / T: predicted cells: found 49 genes, expected 50 as in the truth");
  group = MakeGroup("A+ctrl", 1, 2);
  group.mean_shift->pop_back();
  EXPECT_EQ(message(group), "group A+ctrl / T: mean shift: found 49 genes, expected 50");
}

TEST(ScoreTest, NoGroupsIsAnEmptyCard) {
  const auto card = Score({}, {});
  ASSERT_TRUE(card.ok());
  EXPECT_TRUE(card->ToJson()["groups"].empty());
  EXPECT_THAT(card->Verdict(), HasSubstr("nothing can be said"));
}

}  // namespace
}  // namespace unlasting::evaluate
