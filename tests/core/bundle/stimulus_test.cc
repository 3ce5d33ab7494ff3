#include "core/bundle/stimulus.h"

#include <cmath>
#include <limits>

#include "core/base/status.h"
#include "tests/support/files.h"

namespace unlasting::bundle {
namespace {

using Values = std::map<std::string, double>;

StimulusLayout WithHours() { return {2, 3, {FitCovariate("hours", "h", {6, 24, 6, 24})}}; }

double Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0, of_a = 0, of_b = 0;
  for (size_t k = 0; k < a.size(); ++k) {
    product += a[k] * b[k];
    of_a += a[k] * a[k];
    of_b += b[k] * b[k];
  }
  return product / std::sqrt(of_a * of_b);
}

TEST(FitCovariateTest, StandardisesLogarithmsWhereAllValuesAreAboveZero) {
  const Covariate hours = FitCovariate("hours", "h", {24, 6, 6, 24});
  EXPECT_TRUE(hours.logarithmic);
  EXPECT_NEAR(hours.mean, std::log10(12.0), 1e-12);
  EXPECT_NEAR(hours.deviation, std::log10(2.0), 1e-12);
  EXPECT_EQ(hours.values, (std::vector<double>{6, 24}));
  const Covariate celsius = FitCovariate("shift", "", {-2, 0, 2});
  EXPECT_FALSE(celsius.logarithmic);
  EXPECT_NEAR(celsius.mean, 0, 1e-12);
  EXPECT_EQ(FitCovariate("hours", "", {6, 6, 6}).deviation, 0);
}

TEST(EncodeStimulusTest, EachKindHasItsPlace) {
  const std::vector<float> molecule = {3, 4}, treatment = {0, 1, 0};
  const auto a = EncodeStimulus(WithHours(), StimulusKind::kMolecule, molecule, {{"hours", 24}});
  const auto b = EncodeStimulus(WithHours(), StimulusKind::kTreatment, treatment, {{"hours", 6}});
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(*a, (std::vector<float>{3, 4, 0, 0, 0, 2.5f}));  // half of the length of (3, 4)
  EXPECT_EQ(*b, (std::vector<float>{0, 0, 0, 1, 0, -0.5f}));
}

TEST(EncodeStimulusTest, TimesOfOneTreatmentAreNearerThanTreatmentsAndNeverTheSame) {
  const auto of = [](int treatment, double hours) {
    std::vector<float> features(3, 0.0f);
    features[treatment] = 1;
    return *EncodeStimulus(WithHours(), StimulusKind::kTreatment, features, {{"hours", hours}});
  };
  EXPECT_LT(Cosine(of(0, 6), of(0, 24)), 0.99);
  EXPECT_LT(Cosine(of(0, 6), of(0, 7)), 0.9999);
  EXPECT_GT(Cosine(of(0, 6), of(0, 24)), Cosine(of(0, 6), of(1, 6)));
  // Far out the name still counts for more.
  EXPECT_GT(Cosine(of(0, 1e6), of(0, 24)), Cosine(of(0, 1e6), of(1, 24)));
}

TEST(EncodeStimulusTest, WithoutCovariatesAMoleculesFeaturesAreAllThereIs) {
  const std::vector<float> features = {1, 2};
  EXPECT_EQ(*EncodeStimulus({2, 0, {}}, StimulusKind::kMolecule, features, {}), features);
}

TEST(EncodeStimulusTest, RefusesCovariatesThatItCannotUse) {
  const std::vector<float> treatment = {1, 0, 0};
  const std::vector<std::pair<Values, std::string>> bad = {
      {{}, "covariate 'hours': found none, expected h as in training (6, 24)"},
      {{{"hours", 0}}, "covariate 'hours': found 0, expected a number above 0"},
      {{{"hours", std::nan("")}}, "covariate 'hours': found nan, expected a number above 0"},
      {{{"hours", std::numeric_limits<double>::infinity()}}, "covariate 'hours': found inf"},
      {{{"hours", 6}, {"days", 1}}, "covariate 'days': the model was trained with hours"}};
  for (const auto& [covariates, message] : bad) {
    const auto result =
        EncodeStimulus(WithHours(), StimulusKind::kTreatment, treatment, covariates);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(ReasonOf(result.status()), "INVALID_COVARIATE");
    EXPECT_NE(result.status().message().find(message), std::string::npos) << result.status();
  }
  const auto none = EncodeStimulus({0, 3, {}}, StimulusKind::kTreatment, treatment, {{"hours", 6}});
  EXPECT_NE(none.status().message().find("trained without covariates"), std::string::npos);
  const auto length = EncodeStimulus(WithHours(), StimulusKind::kTreatment, {1, 0}, {{"hours", 6}});
  EXPECT_EQ(ReasonOf(length.status()), "EMBEDDING_LENGTH");
}

}  // namespace
}  // namespace unlasting::bundle
