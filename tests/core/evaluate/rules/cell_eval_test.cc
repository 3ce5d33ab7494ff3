// Rule cell-eval gives the numbers of the reference program, and names what it refuses.
#include "core/evaluate/rules/cell_eval.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/core/evaluate/rules/rule_files.h"

namespace unlasting::evaluate::rules {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using unlasting::testing::GoldenNumber;
using unlasting::testing::MakeTable;
using unlasting::testing::SameNumber;

struct Case {
  std::string data, prediction;
};

RuleScores ScoreCase(const Case& c, const CellEvalOptions& given) {
  const auto truth = unlasting::testing::OpenRuleFile(c.data + "_real.h5ad");
  const auto predicted = unlasting::testing::OpenRuleFile(c.data + "_" + c.prediction + ".h5ad");
  CellEvalOptions options = given;
  options.control_label = "non-targeting";
  return ScoreCellEval(truth.table, predicted.table, options).value();
}

// The reference takes E-distances in float32.
double Tolerance(const std::string& metric) { return metric == "pearson_edistance" ? 1e-4 : 1e-6; }

class CellEvalGoldenTest : public ::testing::TestWithParam<Case> {};

TEST_P(CellEvalGoldenTest, MetricsAgreeWithTheReference) {
  const json file = unlasting::testing::ReadRuleJson(GetParam().data + "_plain.json");
  const json& golden = file["predictions"][GetParam().prediction];
  const RuleScores scores = ScoreCase(GetParam(), {});
  int compared = 0;
  for (const auto& [metric, targets] : golden["per_perturbation"].items()) {
    if (metric == "clustering_agreement") continue;
    for (const auto& [target, value] : targets.items()) {
      const double found = scores.perturbations.at(target).at(metric);
      EXPECT_TRUE(SameNumber(found, GoldenNumber(value), Tolerance(metric)))
          << metric << " " << target << ": found " << found << ", expected " << value;
      ++compared;
    }
    const json& mean = golden["aggregate_mean"][metric];
    EXPECT_TRUE(SameNumber(scores.aggregate.at(metric), GoldenNumber(mean), Tolerance(metric)))
        << metric << ": found " << scores.aggregate.at(metric) << ", expected " << mean;
  }
  EXPECT_GT(compared, 150);
  EXPECT_EQ(scores.parts["median_library"], golden["median_library"]);
}

TEST_P(CellEvalGoldenTest, NeitherThreadsNorPassesChangeAnyDigit) {
  CellEvalOptions options;
  options.threads = 1;
  const std::string once = ScoreCase(GetParam(), options).ToJson().dump();
  options.threads = 3;
  options.block_bytes = 20000;
  EXPECT_EQ(once, ScoreCase(GetParam(), options).ToJson().dump());
}

INSTANTIATE_TEST_SUITE_P(Reference, CellEvalGoldenTest,
                         ::testing::Values(Case{"syn", "pred"}, Case{"syn", "edge"},
                                           Case{"syn", "flat"}, Case{"thp1", "pred"}),
                         [](const auto& info) {
                           return info.param.data + "_" + info.param.prediction;
                         });

unlasting::testing::TestTable Small(float first) {
  return MakeTable("small.h5ad", {"A", "B"}, {"A", "A", "ctrl", "ctrl"},
                   {{first, 5}, {1, 4}, {4, 5}, {3, 6}});
}

std::string Refusal(const unlasting::testing::TestTable& truth,
                    const unlasting::testing::TestTable& predicted) {
  CellEvalOptions options;
  options.control_label = "ctrl";
  const auto scores = ScoreCellEval(truth.table, predicted.table, options);
  EXPECT_FALSE(scores.ok());
  return std::string(scores.status().message());
}

TEST(CellEvalTest, NegativeAndNonFiniteValuesAreNamed) {
  EXPECT_THAT(Refusal(Small(1), Small(-1)), HasSubstr("found -1 in cell 0"));
  EXPECT_THAT(Refusal(Small(1), Small(std::nanf(""))), HasSubstr("found nan in cell 0"));
}

TEST(CellEvalTest, FractionsThatAreTooLargeForLogarithmsAreNamed) {
  EXPECT_THAT(Refusal(Small(20.5f), Small(1)), HasSubstr("expected log1p values below 15"));
}

TEST(CellEvalTest, CountsAgainstLogarithmsAreRefused) {
  EXPECT_THAT(Refusal(Small(1), Small(0.5f)), HasSubstr("found log1p values, expected counts"));
}

TEST(CellEvalTest, AMissingValueSaysWhy) {
  CellEvalOptions options;
  options.control_label = "ctrl";
  const auto scores = ScoreCellEval(Small(1).table, Small(1).table, options);
  ASSERT_TRUE(scores.ok()) << scores.status();
  const json object = scores->ToJson();
  EXPECT_TRUE(object["perturbations"]["A"]["de_sig_genes_recall"].is_null());
  EXPECT_EQ(object["reasons"]["perturbations.A.de_sig_genes_recall"],
            "no gene is significant in the truth");
}

}  // namespace
}  // namespace unlasting::evaluate::rules
