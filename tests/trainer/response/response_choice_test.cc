// What leaving out chooses, on cells whose responses in several contexts are planted.
#include "trainer/response/response_choice.h"

#include <cmath>
#include <functional>
#include <random>

#include "tests/core/cells/toy_data.h"
#include "tests/support/files.h"

namespace unlasting::trainer {
namespace {

constexpr int64_t kPlantedGenes = 30;

class ResponseChoiceTest : public testing::Test {
 protected:
  // `mean` (condition, type, gene) of normal log1p values; a gene is silent in one cell of twenty.
  // The perturbed cells of the last type are held out where `hold_out` says so.
  ResponseChoice Choose(const std::vector<std::string>& conditions,
                        const std::vector<std::string>& types, bool hold_out,
                        const std::function<double(int, int, int)>& mean, int cells = 60,
                        int threads = 2) {
    cells::Dataset data = test::ToyDataset(conditions, types, cells, kPlantedGenes);
    data.kind = cells::MatrixKind::kLog1p;
    std::mt19937_64 random(3);
    std::normal_distribution<double> normal;
    std::bernoulli_distribution active(0.95);
    DenseMatrix values(data.n_cells(), kPlantedGenes);
    for (int64_t cell = 0; cell < data.n_cells(); ++cell) {
      for (int64_t g = 0; g < kPlantedGenes; ++g) {
        const double value = mean(data.condition[cell], data.cell_type[cell], static_cast<int>(g)) +
                             0.3 * normal(random);
        values.Row(cell)[g] = active(random) ? static_cast<float>(std::max(0.0, value)) : 0.0f;
      }
    }
    data.values = ToCsr(values);
    prepared_ = {};
    prepared_.split.test.assign(data.n_cells(), false);
    const auto last = static_cast<int32_t>(types.size()) - 1;
    for (int64_t cell = 0; cell < data.n_cells(); ++cell) {
      prepared_.split.test[cell] =
          hold_out && data.cell_type[cell] == last && data.condition[cell] != 0;
    }
    prepared_.x_max = 5;
    prepared_.data = std::move(data);
    data_ = *TrainingData::Create(prepared_);
    const ConditionMoments moments(data_);
    return ChooseResponse(data_, moments, MeasuredResponses(moments), 1, threads);
  }

  static double Of(const ResponseChoice& choice, double ContextRule::*part) {
    double sum = 0;
    for (const auto& [rule, weight] : choice.rules) sum += weight * rule.*part;
    return sum;
  }

  static double Own(int type, int gene) { return 4 + std::sin(3.0 * type + gene); }
  static double Effect(int gene) { return 1.5 * std::cos(2.0 * gene); }

  cells::Prepared prepared_;
  TrainingData data_;
};

TEST_F(ResponseChoiceTest, AChangeThatIsTheSameEverywhereIsCarriedOverWhole) {
  const auto choice = Choose({"ctrl", "G1+ctrl"}, {"A", "B", "C", "D", "E"}, true,
                             [](int condition, int type, int g) {
                               return Own(type, g) + (condition != 0 ? Effect(g) : 0);
                             });
  EXPECT_GT(Of(choice, &ContextRule::mean_slope), 0.85);
  EXPECT_EQ(choice.record.at("left_out"), "contexts");
  EXPECT_EQ(choice.record.at("groups"), 4);
  EXPECT_LT(choice.record.at("log_error").get<double>(), -0.5);
}

TEST_F(ResponseChoiceTest, PerturbedCellsThatAreTheSameEverywhereLowerTheSlope) {
  const auto choice = Choose(
      {"ctrl", "G1+ctrl"}, {"A", "B", "C", "D", "E"}, true, [](int condition, int type, int g) {
        return condition != 0 ? 4 + 0.3 * std::sin(3.0 * type + g) + Effect(g) : Own(type, g);
      });
  EXPECT_LT(Of(choice, &ContextRule::mean_slope), 0.6);
}

TEST_F(ResponseChoiceTest, AChangeOnlyNearContextsShareRaisesThePower) {
  // Two kinds of contexts, which respond in opposite ways.
  const auto choice = Choose({"ctrl", "G1+ctrl"}, {"A", "B", "C", "D", "E", "F"}, true,
                             [](int condition, int type, int g) {
                               const int kind = type % 2;
                               return 2 + std::sin(3.0 * kind + g) +
                                      0.1 * std::sin(type + 2.0 * g) +
                                      (condition != 0 ? (kind == 0 ? 1 : -1) * Effect(g) : 0);
                             });
  EXPECT_GT(Of(choice, &ContextRule::power), 2);
}

TEST_F(ResponseChoiceTest, ResponsesWithNothingInCommonAreNotCarriedOver) {
  const auto choice = Choose(
      {"ctrl", "G1+ctrl"}, {"A", "B", "C", "D", "E"}, true, [](int condition, int type, int g) {
        return Own(type, g) + (condition != 0 ? 1.5 * std::cos(17.0 * type * g + 5.0 * type) : 0);
      });
  EXPECT_TRUE(choice.rules.empty());
  EXPECT_TRUE(choice.record.at("no_change").get<bool>());
}

TEST_F(ResponseChoiceTest, WhereEverythingWasMeasuredCellsAreLeftOut) {
  const auto choice = Choose({"ctrl", "G1+ctrl"}, {"A"}, false, [](int condition, int type, int g) {
    return Own(type, g) + (condition != 0 ? Effect(g) : 0);
  });
  EXPECT_EQ(choice.record.at("left_out"), "cells");
  EXPECT_EQ(choice.record.at("groups"), 1);
}

TEST_F(ResponseChoiceTest, OneMeasuredContextCarriesItsChangeOver) {
  const auto choice =
      Choose({"ctrl", "G1+ctrl"}, {"A", "B"}, true, [](int condition, int type, int g) {
        return Own(type, g) + (condition != 0 ? Effect(g) : 0);
      });
  ASSERT_EQ(choice.rules.size(), 1u);
  EXPECT_EQ(choice.rules[0].rule.mean_slope, 1);
}

TEST_F(ResponseChoiceTest, DoesNotDependOnTheNumberOfThreads) {
  const auto mean = [](int condition, int type, int g) {
    return Own(type, g) + (condition != 0 ? Effect(g) : 0);
  };
  const auto one = Choose({"ctrl", "G1+ctrl"}, {"A", "B", "C"}, true, mean, 40, 1);
  const auto four = Choose({"ctrl", "G1+ctrl"}, {"A", "B", "C"}, true, mean, 40, 4);
  EXPECT_EQ(one.record, four.record);
}

}  // namespace
}  // namespace unlasting::trainer
