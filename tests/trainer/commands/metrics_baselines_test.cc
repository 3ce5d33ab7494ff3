#include "gmock/gmock.h"
#include "tests/trainer/commands/metrics_fixture.h"

namespace unlasting::trainer {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class MetricsBaselinesTest : public MetricsFixture {};

TEST_F(MetricsBaselinesTest, TakesTheMeanShiftFromTheTrainingCells) {
  Write("t.h5ad", {{"A+ctrl", "T", 40, 6}, {"ctrl", "T", 40, 1}}, {"g1", "g2"}, false);
  Write("p.h5ad", {{"A+ctrl", "T", 40, 2}}, {"g1", "g2"}, false);
  // Of another cell type; the type without control cells cannot tell a shift.
  Write("train.h5ad", {{"A+ctrl", "U", 40, 6}, {"ctrl", "U", 40, 1}, {"A+ctrl", "V", 40, 50}},
        {"g1", "g2"}, false);
  options_.training = At("train.h5ad");
  const json card = RunJson();
  EXPECT_LT(card["baselines"]["mean_shift"]["e_distance.unbiased.all"].get<double>(),
            0.5 * card["baselines"]["no_change"]["e_distance.unbiased.all"].get<double>());
  EXPECT_THAT(card["verdict"].get<std::string>(), HasSubstr("does not beat mean shift"));
}

TEST_F(MetricsBaselinesTest, AddsTheShiftsOfSinglesForAPair) {
  Write("t.h5ad", {{"A+B", "T", 40, 7}, {"ctrl", "T", 40, 1}}, {"g1", "g2"}, false);
  Write("p.h5ad", {{"A+B", "T", 40, 2}}, {"g1", "g2"}, false);
  Write("train.h5ad", {{"A+ctrl", "T", 40, 3}, {"B+ctrl", "T", 40, 3}, {"ctrl", "T", 40, 1}},
        {"g1", "g2"}, false);
  options_.training = At("train.h5ad");
  const json card = RunJson();
  ASSERT_TRUE(card["baselines"].contains("additive"));
  EXPECT_LT(card["baselines"]["additive"]["e_distance.unbiased.all"].get<double>(),
            card["baselines"]["no_change"]["e_distance.unbiased.all"].get<double>());
  // Training never saw the pair: its mean shift is that of all perturbations.
  EXPECT_TRUE(card["baselines"].contains("mean_shift"));
  Write("train.h5ad", {{"A+ctrl", "T", 40, 3}, {"ctrl", "T", 40, 1}}, {"g1", "g2"}, false);
  EXPECT_FALSE(RunJson()["baselines"].contains("additive"));
}

TEST_F(MetricsBaselinesTest, AddsTheLinearBaselineForAKnockoutNeverSeen) {
  const std::vector<std::string> genes = {"u1", "u2", "v", "w"};
  Write("t.h5ad", {{"u2+ctrl", "T", 40, 6}, {"ctrl", "T", 40, 1}}, genes, false);
  Write("p.h5ad", {{"u2+ctrl", "T", 40, 2}}, genes, false);
  Write("train.h5ad",
        {{"u1+ctrl", "T", 40, 6},
         {"v+ctrl", "T", 40, 2},
         {"w+ctrl", "T", 40, 1},
         {"ctrl", "T", 40, 1}},
        genes, false);
  options_.training = At("train.h5ad");
  EXPECT_TRUE(RunJson()["baselines"]["linear"]["emd.all"].is_number());
  // Conditions that were trained on have their own mean shift.
  options_.predicted = options_.truth = options_.control = At("train.h5ad");
  EXPECT_FALSE(RunJson()["baselines"].contains("linear"));
}

}  // namespace
}  // namespace unlasting::trainer
