#include "core/bundle/error_model.h"

#include <cmath>

#include "core/bundle/bundle.h"
#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::bundle {
namespace {

KindOfError SomeKind(int32_t left_out) {
  KindOfError kind;
  kind.left_out = left_out;
  kind.scale = 0.1;
  kind.intercept = 1;
  kind.weight = {0.5, 0, 0, 0};
  kind.deviation = {1, 0, 0, 0};
  kind.half_width = 0.7;
  kind.gene_factor = 2;
  kind.gene_spread = 0.1;
  kind.gene_change = 0.5;
  return kind;
}

ErrorModel SomeModel() {
  ErrorModel model;
  model.kinds = {{"seen gene, seen context", SomeKind(9)}, {"new gene, seen context", SomeKind(8)}};
  model.conditions = {{"G1+ctrl", 0, {}, {{0, 40}, {1, 12}}},
                      {"drug", 0.1, {}, {{1, 7}}},
                      {"drug", 1, {{"hours", 6}}, {{1, 9}}}};
  return model;
}

TEST(ErrorModel, AnIntervalHoldsTheExpectedDistanceAndGrowsWithTheChange) {
  const ErrorModel model = SomeModel();
  double before = 0;
  for (const double change : {0.5, 1.0, 2.0}) {
    const auto estimate = model.Estimate({"seen gene, seen context", change, 10, 0, 0});
    ASSERT_TRUE(estimate.has_value());
    EXPECT_TRUE(estimate->calibrated);
    EXPECT_EQ(estimate->left_out, 9);
    EXPECT_GT(estimate->expected, before);
    EXPECT_LT(estimate->low, estimate->expected);
    EXPECT_GT(estimate->high, estimate->expected);
    before = estimate->expected;
  }
}

TEST(ErrorModel, AKindOfFewerThanNineErrorsIsNotCalibrated) {
  const auto estimate = SomeModel().Estimate({"new gene, seen context", 1, 0, 0, 1});
  ASSERT_TRUE(estimate.has_value());
  EXPECT_FALSE(estimate->calibrated);
  EXPECT_EQ(estimate->left_out, 8);
  EXPECT_EQ(SomeModel().Calibrated("new gene, seen context"), nullptr);
  EXPECT_FALSE(SomeModel().Estimate({"new drug, new context", 1, 0, 1, 1}).has_value());
}

TEST(ErrorModel, AFarQueryCountsNoFartherThanThreeDeviations) {
  const ErrorModel model = SomeModel();
  EXPECT_DOUBLE_EQ(model.Estimate({"seen gene, seen context", 1e3, 1, 0, 0})->expected,
                   model.Estimate({"seen gene, seen context", 1e6, 1, 0, 0})->expected);
}

TEST(ErrorModel, AGeneIsWiderWhereItsMeanMayBeOff) {
  const KindOfError kind = SomeKind(20);
  EXPECT_GT(GeneHalfWidth(kind, 0, 0, 0), 0);
  EXPECT_NEAR(GeneHalfWidth(kind, 0, 0, 1), 2 * std::sqrt(0.25 + 0.01 * kLeastGeneVariance), 1e-12);
  EXPECT_GT(GeneHalfWidth(kind, 0.1, 1, 0), GeneHalfWidth(kind, 0.1, 0.5, 0));
}

TEST(ErrorModel, ConditionsAreFoundByNameDoseAndCovariates) {
  const ErrorModel model = SomeModel();
  EXPECT_EQ(model.Find("drug", 0.1 * (1 + 1e-9), {}), &model.conditions[1]);
  EXPECT_EQ(model.Find("drug", 1, {}), nullptr);
  EXPECT_EQ(model.Find("drug", 1, {{"hours", 6}}), &model.conditions[2]);
  EXPECT_EQ(model.Find("drug", 1, {{"days", 6}}), nullptr);
  EXPECT_EQ(model.Find("G2+ctrl", 0, {}), nullptr);
}

TEST(ErrorModel, RoundTripsThroughJson) {
  const auto json = SomeModel().ToJson();
  const auto read = ErrorModel::FromJson(json, 2);
  ASSERT_OK(read);
  EXPECT_EQ(read->ToJson(), json);
}

class BundleOfErrors : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = folder_.At("tiny");
    ASSERT_OK(test::WriteTinyBundle(directory_));
    good_ = test::ReadJson(directory_ + "/manifest.json");
    good_["prediction_error"] = SomeModel().ToJson();
  }
  void ExpectRefused(const nlohmann::json& manifest, const std::string& words) {
    std::ofstream(directory_ + "/manifest.json") << manifest.dump();
    const auto loaded = Bundle::Load(directory_);
    ASSERT_EQ(loaded.status().code(), absl::StatusCode::kInvalidArgument) << loaded.status();
    EXPECT_NE(loaded.status().message().find(words), absl::string_view::npos) << loaded.status();
    EXPECT_EQ(loaded.status().message().find('\n'), absl::string_view::npos);
  }

  test::TempFolder folder_;
  std::string directory_;
  nlohmann::json good_;
};

TEST_F(BundleOfErrors, LoadsWithAndWithoutThem) {
  const auto without = Bundle::Load(directory_);
  ASSERT_OK(without);
  EXPECT_FALSE((*without)->manifest().prediction_error.has_value());
  std::ofstream(directory_ + "/manifest.json") << good_.dump();
  const auto with = Bundle::Load(directory_);
  ASSERT_OK(with);
  ASSERT_TRUE((*with)->manifest().prediction_error.has_value());
  EXPECT_EQ((*with)->manifest().ToJson(), good_);
}

TEST_F(BundleOfErrors, MalformedOnesAreRefusedInOneLine) {
  auto json = good_;
  json["prediction_error"] = 3;
  ExpectRefused(json, "manifest.json: ");
  json = good_;
  json["prediction_error"]["level"] = 1;
  ExpectRefused(json, "prediction_error.level: found 1, expected above 0 and below 1");
  json = good_;
  json["prediction_error"].erase("kinds");
  ExpectRefused(json, "kinds");
  json = good_;
  json["prediction_error"]["kinds"]["seen gene, seen context"]["scale"] = 0;
  ExpectRefused(json, "prediction_error.kinds: 'seen gene, seen context': expected");
  json = good_;
  json["prediction_error"]["kinds"]["seen gene, seen context"]["weight"] = {1, 2};
  ExpectRefused(json, "manifest.json: ");
  json = good_;
  json["prediction_error"]["kinds"]["seen gene, seen context"]["half_width"] = nullptr;
  ExpectRefused(json, "manifest.json: ");
  json = good_;
  json["prediction_error"]["conditions"][0]["cells"][0] = {7, 40};
  ExpectRefused(json, "prediction_error.conditions: 'G1+ctrl': found 40 cells of type 7");
  json = good_;
  json["prediction_error"]["conditions"] = "all";
  ExpectRefused(json, "manifest.json: ");
}

}  // namespace
}  // namespace unlasting::bundle
