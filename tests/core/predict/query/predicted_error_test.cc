#include "core/predict/query/predicted_error.h"

#include <cmath>

#include "core/predict/query/query.h"
#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::predict {
namespace {

// Tiny bundles with an error model of planted kinds: errors equal to the change.
class PredictedErrorTest : public ::testing::Test {
 protected:
  std::shared_ptr<const bundle::Bundle> Load(const test::TinyBundleOptions& options,
                                             std::vector<bundle::ErrorCondition> conditions) {
    const std::string directory = folder_.At(absl::StrCat("b", ++bundles_));
    EXPECT_TRUE(test::WriteTinyBundle(directory, options).ok());
    nlohmann::json manifest = test::ReadJson(directory + "/manifest.json");
    bundle::ErrorModel model;
    model.conditions = std::move(conditions);
    bundle::KindOfError kind;
    kind.left_out = 20;
    kind.half_width = 0.5;
    model.kinds["seen gene, seen context"] = kind;
    kind.left_out = 3;
    kind.intercept = 1;
    model.kinds["seen gene, new context"] = kind;
    manifest["prediction_error"] = model.ToJson();
    std::ofstream(directory + "/manifest.json") << manifest.dump();
    return *bundle::Bundle::Load(directory);
  }
  static bundle::ErrorQuery Ask(const bundle::Bundle& bundle, const PerturbationQuery& query,
                                int32_t type) {
    const auto perturbation = ResolvePerturbation(bundle, query);
    EXPECT_TRUE(perturbation.ok()) << perturbation.status();
    return ErrorQueryOf(bundle, **perturbation, type, 1.0);
  }

  test::TempFolder folder_;
  int bundles_ = 0;
};

TEST_F(PredictedErrorTest, GenesAreAskedByWhatTrainingHadOfThemAndWhere) {
  const auto bundle =
      Load({}, {{"G0+ctrl", 0, {}, {{0, 40}}}, {"G1+ctrl", 0, {}, {{0, 30}, {1, 5}}}});
  const auto here = Ask(*bundle, {{"G0"}, "", "", {}, 0}, 0);
  EXPECT_EQ(here.kind, "seen gene, seen context");
  EXPECT_EQ(here.cells, 40);
  EXPECT_EQ(here.context_distance, 0);
  const auto there = Ask(*bundle, {{"G0"}, "", "", {}, 0}, 1);
  EXPECT_EQ(there.kind, "seen gene, new context");
  EXPECT_EQ(there.cells, 40);
  EXPECT_GT(there.context_distance, 0);
  EXPECT_TRUE(std::isfinite(there.context_distance));
  const auto unseen = Ask(*bundle, {{"G9"}, "", "", {}, 0}, 1);
  EXPECT_EQ(unseen.kind, "new gene, seen context");
  EXPECT_GT(unseen.condition_distance, 0);
  EXPECT_EQ(Ask(*bundle, {{"G0", "G9"}, "", "", {}, 0}, 0).kind,
            "new pair with new genes, seen context");
}

TEST_F(PredictedErrorTest, ATypeThatTheBundleDoesNotKnowIsANewContextByItsOwnControls) {
  const auto bundle = Load({}, {{"G0+ctrl", 0, {}, {{0, 40}}}});
  const auto perturbation = *ResolvePerturbation(*bundle, {{"G0"}, "", "", {}, 0});
  std::vector<double> own(24, 0.0);
  for (int64_t g = 0; g < 24; ++g) own[g] = bundle->reference().control_mean.At(0, g) + 0.5;
  const auto query = ErrorQueryOf(*bundle, *perturbation, 2, 1.0, own);
  EXPECT_EQ(query.kind, "seen gene, new context");
  EXPECT_NEAR(query.context_distance, 0.5 * std::sqrt(24.0), 1e-4);
  const DenseMatrix cells(2, 24);
  const auto errors = PredictedErrors(*bundle, *perturbation, {2}, cells, ToCsr(cells), {2, 2});
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].kind, "seen gene, new context");
}

TEST_F(PredictedErrorTest, DrugsAreAskedByDoseAndSimilarity) {
  test::TinyBundleOptions options;
  options.genes = false;
  options.molecules = true;
  const auto bundle =
      Load(options, {{"aspirin", 0.1, {}, {{0, 40}}}, {"aspirin", 1, {}, {{0, 40}}}});
  EXPECT_EQ(Ask(*bundle, {{}, "aspirin", "", {}, 0.1}, 0).kind, "seen drug, seen context");
  const auto dose = Ask(*bundle, {{}, "aspirin", "", {}, 100}, 0);
  EXPECT_EQ(dose.kind, "new dose or time, seen context");
  EXPECT_NEAR(dose.condition_distance, 2, 1e-9);
  const auto drug = Ask(*bundle, {{}, "", "CCO", {}, 1}, 1);
  EXPECT_EQ(drug.kind, "new drug, new context");
  EXPECT_GT(drug.condition_distance, 0);
  EXPECT_LE(drug.condition_distance, 1);
}

TEST_F(PredictedErrorTest, EachCellTypeOfTheAnswerHasItsOwn) {
  const auto bundle = Load({}, {{"G0+ctrl", 0, {}, {{0, 40}}}});
  const auto perturbation = *ResolvePerturbation(*bundle, {{"G0"}, "", "", {}, 0});
  DenseMatrix predicted(3, 24), control(3, 24);
  for (int64_t g = 0; g < 24; ++g) {
    predicted.At(0, g) = predicted.At(1, g) = 1;  // the cells of type 0, which change by 1 per gene
    control.At(2, g) = predicted.At(2, g) = 2;    // that of type 1 does not change
  }
  const auto errors =
      PredictedErrors(*bundle, *perturbation, {0, 1}, predicted, ToCsr(control), {0, 0, 1});
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].kind, "seen gene, seen context");
  EXPECT_TRUE(errors[0].estimate->calibrated);
  EXPECT_EQ(errors[1].cell_type, 1);
  EXPECT_EQ(errors[1].kind, "seen gene, new context");
  EXPECT_FALSE(errors[1].estimate->calibrated);
  EXPECT_EQ(errors[1].estimate->left_out, 3);
}

TEST_F(PredictedErrorTest, ABundleFromBeforeSaysNothing) {
  ASSERT_OK(test::WriteTinyBundle(folder_.At("before"), {}));
  const auto bundle = *bundle::Bundle::Load(folder_.At("before"));
  const auto perturbation = *ResolvePerturbation(*bundle, {{"G0"}, "", "", {}, 0});
  const DenseMatrix cells(2, 24);
  EXPECT_TRUE(PredictedErrors(*bundle, *perturbation, {0}, cells, ToCsr(cells), {0, 0}).empty());
}

}  // namespace
}  // namespace unlasting::predict
