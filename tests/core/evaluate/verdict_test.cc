#include "core/evaluate/verdict.h"

#include <limits>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::evaluate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Scores Pair(double e_distance, double emd) {
  return {{"e_distance.unbiased.all", e_distance}, {"emd.all", emd}};
}

GroupScores OneGroup(const std::string& condition, Scores model, Scores no_change) {
  GroupScores group;
  group.key = {{"condition", condition}, {"cell_type", "T"}};
  group.n_predicted = 10;
  group.n_true = 20;
  group.n_control = 30;
  group.scores = std::move(model);
  group.baselines["no_change"] = std::move(no_change);
  group.baseline_cells["no_change"] = 30;
  return group;
}

void AddMeanShift(GroupScores* group, Scores scores) {
  group->baselines["mean_shift"] = std::move(scores);
  group->baseline_cells["mean_shift"] = group->n_control;
}

TEST(CompareWithTest, UsesOnlyGroupsWhereBothAreDefined) {
  Scorecard card;
  card.groups.push_back(OneGroup("A", Pair(1, 1), Pair(3, 3)));
  AddMeanShift(&card.groups[0], Pair(2, 2));
  // Without mean shift, and far worse: it must not count against the model there.
  card.groups.push_back(OneGroup("B", Pair(9, 9), Pair(10, 10)));
  const Comparison shift = CompareWith(card, "mean_shift");
  EXPECT_EQ(shift.groups, 1);
  EXPECT_EQ(shift.model_e_distance, 1);
  EXPECT_TRUE(shift.beats());
  EXPECT_EQ(CompareWith(card, "no_change").groups, 2);
  EXPECT_EQ(CompareWith(card, "no_change").model_emd, 5);
  EXPECT_FALSE(CompareWith(card, "additive").beats());
}

TEST(VerdictTest, BeginsWithTheSimplerMethodsThatAreNearerByBoth) {
  Scorecard card;
  card.groups.push_back(OneGroup("A", Pair(1, 1), Pair(3, 3)));
  AddMeanShift(&card.groups[0], Pair(2, 2));
  card.groups[0].baselines["replay"] = Pair(0.5, 0.25);
  card.groups[0].baselines["additive"] = Pair(0.5, 1.5);
  card.groups[0].baselines["ceiling"] = Pair(0, 0);
  EXPECT_EQ(VerdictSentences(card).front(),
            "Nearer than the model by both distances: replay (E-distance 0.5, the model's 1; EMD "
            "0.25, 1).");
  EXPECT_THAT(card.Verdict(), HasSubstr("It does not beat replay ("));
}

TEST(VerdictTest, SaysNothingOfSimplerMethodsThatAreAsNear) {
  Scorecard card;
  card.groups.push_back(OneGroup("A", Pair(1, 1), Pair(3, 3)));
  AddMeanShift(&card.groups[0], Pair(2, 2));
  card.groups[0].baselines["expected_response"] = Pair(1, 1);
  EXPECT_THAT(card.Verdict(), Not(HasSubstr("Nearer than the model")));
}

TEST(VerdictTest, SetsTheModelBesideMeanShiftByRankToo) {
  Scorecard card;
  card.groups.push_back(OneGroup("A", Pair(1, 1), Pair(3, 3)));
  AddMeanShift(&card.groups[0], Pair(2, 2));
  card.groups[0].baselines["mean_shift_rank"] = Pair(0.9, 1.1);
  card.differences["mean_shift_rank"]["emd.all"] = {-0.1, {-0.3, 0.1}};
  EXPECT_THAT(card.Verdict(), HasSubstr("It does not beat mean shift rank by E-distance ("));
  EXPECT_THAT(
      card.Verdict(),
      HasSubstr("By EMD its difference from mean shift rank lies within the sampling noise"));
}

TEST(VerdictTest, HasASentenceForEachFurtherBaseline) {
  Scorecard card;
  card.groups.push_back(OneGroup("A", Pair(1, 1), Pair(3, 3)));
  AddMeanShift(&card.groups[0], Pair(2, 2));
  EXPECT_EQ(VerdictSentences(card).size(), 1u);
  card.groups[0].baselines["additive"] = Pair(0.5, 0.5);
  card.groups[0].baselines["linear"] = Pair(1.5, 1.5);
  card.groups[0].baselines["ceiling"] = Pair(0, 0);
  const auto sentences = VerdictSentences(card);
  ASSERT_EQ(sentences.size(), 4u);
  EXPECT_THAT(sentences[0], HasSubstr("Nearer than the model by both distances: additive ("));
  EXPECT_THAT(sentences[2], HasSubstr("It does not beat additive ("));
  EXPECT_THAT(sentences[3], HasSubstr("It beats linear ("));
  EXPECT_THAT(card.Verdict(), HasSubstr(sentences[3]));
}

TEST(VerdictTest, SaysThatAModelBeatsBoth) {
  Scorecard card;
  card.groups.push_back(OneGroup("A", Pair(1, 1), Pair(3, 3)));
  AddMeanShift(&card.groups[0], Pair(2, 2));
  EXPECT_EQ(card.Verdict(),
            "The model beats no change (E-distance 1 against 3, EMD 1 against 3; "
            "nearer by both in 1 of 1 group) and beats mean shift (E-distance 1 "
            "against 2, EMD 1 against 2; nearer by both in 1 of 1 group).");
}

TEST(VerdictTest, SaysInWordsThatAModelIsNotReady) {
  Scorecard card;
  card.groups.push_back(OneGroup("A", Pair(2, 1), Pair(3, 3)));
  AddMeanShift(&card.groups[0], Pair(1, 2));
  EXPECT_THAT(card.Verdict(), HasSubstr(", but does not beat mean shift by E-distance ("));
  EXPECT_THAT(card.Verdict(), HasSubstr("not ready for use."));
}

TEST(VerdictTest, SaysThatTheMeanShiftIsMissing) {
  Scorecard card;
  card.groups.push_back(OneGroup("A", Pair(4, 4), Pair(3, 3)));
  EXPECT_THAT(card.Verdict(), HasSubstr("does not beat no change ("));
  EXPECT_THAT(card.Verdict(), HasSubstr("mean shift could not be computed"));
}

TEST(MethodsInOrderTest, BeginsWithNoChangeAndEndsWithTheCeiling) {
  const std::map<std::string, Scores> baselines = {{"additive", {}},
                                                   {"ceiling", {}},
                                                   {"mean_shift", {}},
                                                   {"mean_shift_rank", {}},
                                                   {"no_change", {}}};
  EXPECT_THAT(MethodsInOrder(baselines),
              ElementsAre("no_change", "mean_shift", "additive", "mean_shift_rank", "ceiling"));
}

TEST(ToTableTest, AlignsItsColumnsAndNamesSampleSizes) {
  Scorecard card;
  card.groups.push_back(OneGroup("A", Pair(1, 1), Pair(12.5, 3)));
  card.groups.push_back(
      OneGroup("αβγ", Pair(std::numeric_limits<double>::quiet_NaN(), 1), Pair(3, 3)));
  card.mean = Pair(1, 1);
  const std::string table = card.ToTable();
  const std::vector<std::string> lines = absl::StrSplit(table, '\n');
  EXPECT_EQ(lines[0],
            "group      method     cells    E all  E DE20  E DE40  EMD all  EMD DE20  "
            "EMD DE40  Pearson  AUC kNN  corr  co-sil  spread");
  EXPECT_EQ(lines[2],
            "A / T      model      10/20   1.0000       -       -   1.0000         -  "
            "       -        -        -     -       -       -");
  EXPECT_EQ(lines[3],
            "           no change  30/20  12.5000       -       -   3.0000         -  "
            "       -        -        -     -       -       -");
  EXPECT_EQ(lines[5],
            "αβγ / T    model      10/20        -       -       -   1.0000         -  "
            "       -        -        -     -       -       -");
  EXPECT_THAT(table, HasSubstr("mean of 2"));
  EXPECT_THAT(table, HasSubstr(card.Verdict()));
  EXPECT_THAT(table, Not(HasSubstr("nan")));
}

}  // namespace
}  // namespace unlasting::evaluate
