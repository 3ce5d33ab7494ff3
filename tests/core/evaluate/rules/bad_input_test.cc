// What rule vcc2026 refuses, and what it says where a value is missing.
#include <cmath>
#include <limits>

#include "core/evaluate/rules/vcc2026.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/core/evaluate/rules/rule_files.h"

namespace unlasting::evaluate::rules {
namespace {

using ::testing::HasSubstr;
using unlasting::testing::MakeTable;
using unlasting::testing::TestTable;

const std::vector<std::string>& Genes() {
  static const auto* const genes = new std::vector<std::string>{"A", "B", "C"};
  return *genes;
}

// Two perturbations and a control, two cells each.
const std::vector<std::string>& Labels() {
  static const auto* const labels =
      new std::vector<std::string>{"A", "A", "B", "B", "ctrl", "ctrl"};
  return *labels;
}

std::vector<std::vector<float>> Counts() {
  return {{0, 5, 2}, {1, 4, 3}, {4, 0, 2}, {5, 1, 2}, {4, 5, 2}, {3, 6, 1}};
}

TestTable Truth() { return MakeTable("truth.h5ad", Genes(), Labels(), Counts()); }

std::string Refusal(const TestTable& truth, const TestTable& predicted) {
  Vcc2026Options options;
  options.control_label = "ctrl";
  const auto scores = ScoreVcc2026(truth.table, predicted.table, options);
  EXPECT_FALSE(scores.ok());
  return std::string(scores.status().message());
}

std::string RefusalOf(const TestTable& predicted) { return Refusal(Truth(), predicted); }

TEST(Vcc2026BadInputTest, AMissingPerturbationIsNamedOnEitherSide) {
  auto labels = Labels();
  labels[2] = labels[3] = "A";
  const TestTable fewer = MakeTable("p.h5ad", Genes(), labels, Counts());
  EXPECT_THAT(RefusalOf(fewer), HasSubstr("p.h5ad: obs: found no cells of 1 perturbations (B)"));
  EXPECT_THAT(Refusal(fewer, Truth()), HasSubstr("(B)"));
}

TEST(Vcc2026BadInputTest, GenesInAnotherOrderAreNamed) {
  EXPECT_THAT(RefusalOf(MakeTable("p.h5ad", {"B", "A", "C"}, Labels(), Counts())),
              HasSubstr("p.h5ad: var: found the genes of the truth in another order"));
}

TEST(Vcc2026BadInputTest, OtherGenesAreNamed) {
  EXPECT_THAT(RefusalOf(MakeTable("p.h5ad", {"A", "B", "D"}, Labels(), Counts())),
              HasSubstr("1 genes missing (C) and 1 unknown to the truth (D)"));
}

TEST(Vcc2026BadInputTest, AGeneThatIsThereTwiceIsNamed) {
  EXPECT_THAT(RefusalOf(MakeTable("p.h5ad", {"A", "B", "B"}, Labels(), Counts())),
              HasSubstr("found the gene B twice"));
}

TEST(Vcc2026BadInputTest, ASideWithoutControlIsNamed) {
  auto labels = Labels();
  labels[4] = labels[5] = "A";
  EXPECT_THAT(RefusalOf(MakeTable("p.h5ad", Genes(), labels, Counts())),
              HasSubstr("p.h5ad: obs: found no control cell, expected cells with the label 'ctrl' "
                        "(--control-label)"));
}

TEST(Vcc2026BadInputTest, ControlCellsAloneAreRefused) {
  const std::vector<std::string> labels(6, "ctrl");
  EXPECT_THAT(Refusal(MakeTable("t.h5ad", Genes(), labels, Counts()), Truth()),
              HasSubstr("found control cells alone"));
}

TEST(Vcc2026BadInputTest, ACellWithoutALabelIsRefused) {
  auto labels = Labels();
  labels[1] = "";
  EXPECT_THAT(RefusalOf(MakeTable("p.h5ad", Genes(), labels, Counts())),
              HasSubstr("cell 1 (counted from 0) has no label"));
}

TEST(Vcc2026BadInputTest, LogarithmsFractionsAndNegativeValuesAreNamedByCellAndGene) {
  for (const float bad : {std::log1p(2.0f), 0.5f, -1.0f, std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity()}) {
    auto counts = Counts();
    counts[3][1] = bad;
    EXPECT_THAT(RefusalOf(MakeTable("p.h5ad", Genes(), Labels(), counts)),
                HasSubstr("in cell 3 (counted from 0), gene B, expected whole counts"))
        << bad;
  }
}

TEST(Vcc2026BadInputTest, ACellWithTooManyCountsIsRefused) {
  auto counts = Counts();
  counts[2][0] = 2e6f;
  EXPECT_THAT(RefusalOf(MakeTable("p.h5ad", Genes(), Labels(), counts)),
              HasSubstr("counts in cell 2"));
}

TEST(Vcc2026BadInputTest, LabelsOfWhichNoneIsAGeneAreRefused) {
  const std::vector<std::string> labels = {"x", "x", "y", "y", "ctrl", "ctrl"};
  const TestTable table = MakeTable("t.h5ad", Genes(), labels, Counts());
  EXPECT_THAT(Refusal(table, table), HasSubstr("found no label that is the name of a gene"));
}

TEST(Vcc2026BadInputTest, OtherNumbersOfCellsAreScored) {
  auto counts = Counts();
  auto labels = Labels();
  counts.push_back({1, 1, 1});
  labels.push_back("A");
  Vcc2026Options options;
  options.control_label = "ctrl";
  const auto scores =
      ScoreVcc2026(Truth().table, MakeTable("p.h5ad", Genes(), labels, counts).table, options);
  EXPECT_TRUE(scores.ok()) << scores.status();
}

TEST(Vcc2026BadInputTest, OneCellPerGroupLeavesNoReplicateAndSaysSo) {
  const std::vector<std::string> labels = {"A", "B", "ctrl"};
  const TestTable table = MakeTable("t.h5ad", Genes(), labels, {{0, 5, 2}, {4, 0, 2}, {4, 5, 2}});
  Vcc2026Options options;
  options.control_label = "ctrl";
  const auto scores = ScoreVcc2026(table.table, table.table, options);
  ASSERT_TRUE(scores.ok()) << scores.status();
  // One gene is left that no perturbation owns, by which the two cannot be told apart.
  EXPECT_EQ(scores->aggregate.at("pds_cosine"), 0.5);
  EXPECT_TRUE(std::isnan(scores->average));
  EXPECT_THAT(scores->reasons.at("replicate.pds_cosine"), HasSubstr("1 cell"));
  EXPECT_TRUE(scores->ToJson()["average"].is_null());
  EXPECT_TRUE(scores->ToJson()["replicate"]["pds_cosine"].is_null());
}

TEST(Vcc2026BadInputTest, AScaleThatBreaksIsSaidBesideTheAverage) {
  const TestTable table = Truth();
  Vcc2026Options options;
  options.control_label = "ctrl";
  const auto scores = ScoreVcc2026(table.table, table.table, options);
  ASSERT_TRUE(scores.ok()) << scores.status();
  EXPECT_THAT(scores->ToText(), HasSubstr("The average means nothing here"));
}

}  // namespace
}  // namespace unlasting::evaluate::rules
