// Rule vcc2026 gives the numbers of the reference program.
#include <string>

#include "core/evaluate/rules/scale.h"
#include "core/evaluate/rules/vcc2026.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/core/evaluate/rules/rule_files.h"

namespace unlasting::evaluate::rules {
namespace {

using nlohmann::json;
using unlasting::testing::GoldenNumber;
using unlasting::testing::SameNumber;

struct Case {
  std::string data, prediction;
};

RuleScores ScoreCase(const Case& c, int threads, int64_t column_bytes) {
  const auto truth = unlasting::testing::OpenRuleFile(c.data + "_real.h5ad");
  const auto predicted = unlasting::testing::OpenRuleFile(c.data + "_" + c.prediction + ".h5ad");
  Vcc2026Options options;
  options.control_label = "non-targeting";
  options.draws = unlasting::testing::ReadRuleJson(c.data + "_vcc2026.json");
  options.tables = {threads, column_bytes};
  auto scores = ScoreVcc2026(truth.table, predicted.table, options);
  EXPECT_TRUE(scores.ok()) << scores.status();
  return scores.ok() ? *std::move(scores) : RuleScores();
}

class Vcc2026GoldenTest : public ::testing::TestWithParam<Case> {
 protected:
  static void ExpectSame(const MemberValues& found, const json& golden, const std::string& what) {
    for (const std::string& member : Members()) {
      ASSERT_TRUE(golden.contains(member)) << what << " " << member;
      ASSERT_TRUE(found.count(member)) << what << " " << member;
      EXPECT_TRUE(SameNumber(found.at(member), GoldenNumber(golden[member]), 1e-9))
          << what << " " << member << ": found " << found.at(member) << ", expected "
          << golden[member];
    }
  }
};

TEST_P(Vcc2026GoldenTest, MembersAndScaleAgreeWithTheReference) {
  const auto& [data, prediction] = GetParam();
  const json file = unlasting::testing::ReadRuleJson(data + "_vcc2026.json");
  const json& golden = file["engines"]["pdex"];
  const json& expected = golden["predictions"][prediction];
  const RuleScores scores = ScoreCase(GetParam(), 2, 1 << 30);
  ASSERT_EQ(scores.digest, golden["rule_digest_of_bundle"]);
  ExpectSame(scores.aggregate, expected["aggregate"], "aggregate");
  ExpectSame(scores.baseline, golden["baseline"]["aggregate"], "baseline");
  ExpectSame(scores.replicate, golden["replicate"]["mean"], "replicate");
  ExpectSame(scores.scaled, expected["from_replicate"], "scaled");
  ExpectSame(scores.from_baseline, expected["from_baseline"], "from baseline");
  ASSERT_EQ(golden["replicate"]["splits"].size(), 5u);
  for (const auto& [split, members] : golden["replicate"]["splits"].items()) {
    for (const std::string& member : Members()) {
      EXPECT_TRUE(SameNumber(scores.replicate_splits.at(split).at(member),
                             GoldenNumber(members[member][0]), 1e-9))
          << split << " " << member;
    }
  }
  EXPECT_TRUE(
      SameNumber(scores.average, GoldenNumber(expected["from_replicate"]["avg_score"]), 1e-9));
}

TEST_P(Vcc2026GoldenTest, EveryPerturbationAgreesWithTheReference) {
  const auto& [data, prediction] = GetParam();
  const json file = unlasting::testing::ReadRuleJson(data + "_vcc2026.json");
  const json& golden = file["engines"]["pdex"]["predictions"][prediction]["per_perturbation"];
  const RuleScores scores = ScoreCase(GetParam(), 1, 1 << 30);
  int compared = 0;
  for (const auto& [member, targets] : golden.items()) {
    if (member == "expr_real_mass_ratio") continue;  // a diagnostic that the rule does not use
    for (const auto& [target, members] : scores.perturbations) {
      const double expected =
          targets.contains(target) ? GoldenNumber(targets[target]) : GoldenNumber("NaN");
      EXPECT_TRUE(SameNumber(members.at(member), expected, 1e-9))
          << member << " " << target << ": found " << members.at(member) << ", expected "
          << expected;
      ++compared;
    }
  }
  EXPECT_GT(compared, 50);
}

TEST_P(Vcc2026GoldenTest, PartsAgreeWithTheReference) {
  const auto& [data, prediction] = GetParam();
  const json file = unlasting::testing::ReadRuleJson(data + "_vcc2026.json");
  const json& golden = file["parts_pdex"][prediction];
  const RuleScores scores = ScoreCase(GetParam(), 2, 1 << 30);
  EXPECT_TRUE(SameNumber(scores.parts["claim"], golden["correction_claim"], 1e-9));
  EXPECT_TRUE(SameNumber(scores.parts["budget"], golden["correction_budget"], 1e-9));
  ASSERT_GT(golden["direction"].size(), 0u);
  for (const auto& [target, counts] : golden["direction"].items()) {
    const json& found = scores.parts["perturbations"][target];
    for (const auto& [name, count] : counts.items()) EXPECT_EQ(found[name], count) << target;
    EXPECT_TRUE(SameNumber(found["jackknife_predicted"], golden["jackknife"][target], 1e-9))
        << target << found["jackknife_predicted"] << golden["jackknife"][target];
    EXPECT_TRUE(
        SameNumber(found["jackknife_true"], file["parts_pdex"]["real"]["jackknife"][target], 1e-9))
        << target;
  }
}

TEST_P(Vcc2026GoldenTest, NeitherThreadsNorPassesChangeAnyDigit) {
  const std::string once = ScoreCase(GetParam(), 1, 1 << 30).ToJson().dump();
  EXPECT_EQ(once, ScoreCase(GetParam(), 3, 20000).ToJson().dump());
}

TEST_P(Vcc2026GoldenTest, EveryMissingValueHasAReason) {
  const RuleScores scores = ScoreCase(GetParam(), 2, 1 << 30);
  for (const auto& [target, members] : scores.perturbations) {
    for (const auto& [member, value] : members) {
      if (!std::isnan(value)) continue;
      EXPECT_TRUE(scores.reasons.count("perturbations." + target + "." + member) > 0 ||
                  scores.reasons.count("perturbations.*." + member) > 0)
          << target << " " << member;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Reference, Vcc2026GoldenTest,
                         ::testing::Values(Case{"syn", "pred"}, Case{"syn", "edge"},
                                           Case{"syn", "flat"}, Case{"thp1", "pred"}),
                         [](const auto& info) {
                           return info.param.data + "_" + info.param.prediction;
                         });

}  // namespace
}  // namespace unlasting::evaluate::rules
