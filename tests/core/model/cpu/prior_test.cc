#include "core/model/cpu/prior.h"

#include <gtest/gtest.h>

#include "tests/support/random_weights.h"

namespace unlasting::model::cpu {
namespace {

constexpr int64_t kGenes = 5;

// Nodes 1 and 6 were perturbed in training.
class PriorsTest : public testing::Test {
 protected:
  PriorsTest() {
    config_.genes = kGenes;
    config_.nodes = 7;
    config_.cell_types = 2;
    config_.molecule_features = 0;
    config_.expected_response = config_.trained_from_control = true;
    config_.condition = 3;
    const auto graph = test::MakeRandomGraph(config_.nodes, [](int64_t) { return 2; });
    weights_ = test::RandomWeights(NetworkKind::kDenoiser, config_, graph, 5);
  }

  Priors<float> MakePriors() const { return Priors<float>(true, config_, weights_); }

  // Row of a cell type's entry of a table that is a product.
  std::vector<float> TableRow(const std::string& name, int64_t type, int64_t entry) const {
    const auto& coefficients = weights_.at("response_" + name + "coefficients");
    const auto& basis = weights_.at("response_" + name + "basis");
    const int64_t rank = weights_.shapes.at("response_" + name + "basis")[0];
    const int64_t columns = weights_.shapes.at("response_" + name + "basis")[1];
    const int64_t entries = static_cast<int64_t>(coefficients.size()) / rank / config_.cell_types;
    std::vector<float> row(kGenes);
    for (int64_t r = 0; r < rank; ++r) {
      const float coefficient = coefficients[(type * entries + entry) * rank + r];
      for (int64_t g = 0; g < kGenes; ++g) row[g] += coefficient * basis[r * columns + g];
    }
    return row;
  }

  static void ExpectNear(const std::vector<float>& found, const std::vector<float>& expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (size_t g = 0; g < found.size(); ++g) EXPECT_NEAR(found[g], expected[g], 1e-5f);
  }

  ModelConfig config_;
  NetworkWeights<float> weights_;
};

TEST_F(PriorsTest, AnswersThatStartFromTheControlAreBroughtToMeansOfTheirOwn) {
  Priors<float> priors = MakePriors();
  for (const int32_t type : {0, 1}) {
    ASSERT_TRUE(priors.FromControl(type, {1}, nullptr));
    ExpectNear(priors.MeanChange(type, {1}, nullptr), TableRow("met_", type, 0));
    ExpectNear(priors.MeanChange(type, {6}, nullptr), TableRow("met_", type, 1));
  }
}

TEST_F(PriorsTest, PairsHaveTheSumOfTheirResponses) {
  Priors<float> priors = MakePriors();
  ASSERT_FALSE(priors.FromControl(0, {1, 6}, nullptr));
  std::vector<float> sum = TableRow("", 0, 0);
  const std::vector<float> second = TableRow("", 0, 1);
  for (int64_t g = 0; g < kGenes; ++g) sum[g] += second[g];
  ExpectNear(priors.MeanChange(0, {1, 6}, nullptr), sum);
}

TEST_F(PriorsTest, WithoutMeansOfTheirOwnTheResponseIsMet) {
  for (const char* name : {"response_met_coefficients", "response_met_basis"}) {
    weights_.values.erase(name);
    weights_.shapes.erase(name);
  }
  ASSERT_TRUE(CheckWeights(NetworkKind::kDenoiser, config_, weights_).ok());
  Priors<float> priors = MakePriors();
  ExpectNear(priors.MeanChange(1, {6}, nullptr), TableRow("", 1, 1));
}

TEST_F(PriorsTest, MeansOfAnotherShapeAreRefused) {
  ASSERT_TRUE(CheckWeights(NetworkKind::kDenoiser, config_, weights_).ok());
  const auto refused = [&](const NetworkWeights<float>& weights, const ModelConfig& config) {
    const absl::Status status = CheckWeights(NetworkKind::kDenoiser, config, weights);
    EXPECT_NE(status.message().find("response_met_"), absl::string_view::npos) << status;
  };
  NetworkWeights<float> short_basis = weights_;
  short_basis.shapes["response_met_basis"] = {2, kGenes - 1};
  refused(short_basis, config_);
  NetworkWeights<float> alone = weights_;
  alone.shapes.erase("response_met_coefficients");
  alone.values.erase("response_met_coefficients");
  refused(alone, config_);
  ModelConfig by_response = config_;
  by_response.trained_from_control = false;
  refused(weights_, by_response);
}

}  // namespace
}  // namespace unlasting::model::cpu
