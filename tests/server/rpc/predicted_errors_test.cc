#include "server/rpc/predicted_errors.h"

#include <fstream>

#include "core/predict/query/query.h"
#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::server {
namespace {

constexpr int kErrorGenes = 24;

// A tiny bundle that knows the kinds of a seen gene in both cell types, in T1 from few errors.
class PredictedErrorsTest : public ::testing::Test {
 protected:
  std::shared_ptr<const bundle::Bundle> Load(bool with_errors) {
    const std::string directory = folder_.At(with_errors ? "with" : "without");
    EXPECT_TRUE(test::WriteTinyBundle(directory, {}).ok());
    if (with_errors) {
      nlohmann::json manifest = test::ReadJson(directory + "/manifest.json");
      bundle::ErrorModel model;
      model.conditions = {{"G0+ctrl", 0, {}, {{0, 40}}}};
      bundle::KindOfError kind;
      kind.left_out = 20;
      kind.half_width = kind.gene_spread = 0.5;
      kind.gene_factor = 2;
      model.kinds["seen gene, seen context"] = kind;
      kind.left_out = 4;
      model.kinds["seen gene, new context"] = kind;
      manifest["prediction_error"] = model.ToJson();
      std::ofstream(directory + "/manifest.json") << manifest.dump();
    }
    return *bundle::Bundle::Load(directory);
  }

  // Of four cells; those of T0 come first.
  static v1::PerturbationSummary Summary(const bundle::Bundle& bundle, int cells_of_t1) {
    auto controls = std::make_shared<predict::ControlSet>();
    controls->values = ToCsr(DenseMatrix(4, kErrorGenes));
    std::vector<int32_t> types = {0};
    for (int k = 0; k < 4; ++k) controls->cell_type.push_back(k < 4 - cells_of_t1 ? 0 : 1);
    if (cells_of_t1 > 0) types.push_back(1);
    predict::PredictionTask task;
    task.controls = controls;
    task.perturbations = {*predict::ResolvePerturbation(bundle, {{"G0"}, "", "", {}, 0})};
    predict::Profiles profiles;
    profiles.values = DenseMatrix(4, kErrorGenes);
    std::fill(profiles.values.values.begin(), profiles.values.values.end(), 1.0f);
    v1::PerturbationSummary summary;
    for (int g = 0; g < 2; ++g) {
      summary.add_mean(1);
      summary.add_control_mean(0);
      summary.add_standard_deviation(static_cast<float>(g));
      summary.add_change_standard_error(0.25f);
    }
    AddPredictedErrors(bundle, task, types, profiles, &summary);
    return summary;
  }

  test::TempFolder folder_;
};

TEST_F(PredictedErrorsTest, AreSentWithTheirIntervalAndGeneWidths) {
  const auto bundle = Load(true);
  const auto summary = Summary(*bundle, 0);
  ASSERT_EQ(summary.predicted_errors_size(), 1);
  const v1::PredictedError& error = summary.predicted_errors(0);
  EXPECT_EQ(error.cell_type(), "T0");
  EXPECT_EQ(error.kind(), "seen gene, seen context");
  EXPECT_TRUE(error.calibrated());
  EXPECT_EQ(error.left_out(), 20);
  EXPECT_DOUBLE_EQ(error.level(), 0.9);
  EXPECT_LT(error.lower(), error.expected_e_distance());
  EXPECT_GT(error.upper(), error.expected_e_distance());
  ASSERT_EQ(summary.change_half_width_size(), 2);
  EXPECT_GE(summary.change_half_width(0), 2 * 0.25f);
  EXPECT_GT(summary.change_half_width(1), summary.change_half_width(0));
}

TEST_F(PredictedErrorsTest, OneTypeThatIsNotCalibratedLeavesTheGenesWithoutWidths) {
  const auto bundle = Load(true);
  const auto summary = Summary(*bundle, 1);
  ASSERT_EQ(summary.predicted_errors_size(), 2);
  EXPECT_EQ(summary.predicted_errors(1).cell_type(), "T1");
  EXPECT_FALSE(summary.predicted_errors(1).calibrated());
  EXPECT_FALSE(summary.predicted_errors(1).has_lower());
  EXPECT_TRUE(summary.predicted_errors(1).has_expected_e_distance());
  EXPECT_EQ(summary.change_half_width_size(), 0);
}

TEST_F(PredictedErrorsTest, ABundleFromBeforeSaysNothing) {
  const auto bundle = Load(false);
  const auto summary = Summary(*bundle, 2);
  EXPECT_EQ(summary.predicted_errors_size(), 0);
  EXPECT_EQ(summary.change_half_width_size(), 0);
}

}  // namespace
}  // namespace unlasting::server
