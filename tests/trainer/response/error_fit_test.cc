// The fit of the error model on errors that are drawn, and on cells whose responses are planted.
#include "trainer/response/error_fit.h"

#include <cmath>
#include <random>

#include "absl/strings/str_cat.h"
#include "tests/core/cells/toy_data.h"
#include "tests/support/files.h"

namespace unlasting::trainer {
namespace {

constexpr int kErrorGenes = 40;

// An error that grows with the change, times a log-normal factor; genes that are off by a share of
// their change.
LeftOutError Draw(const std::string& kind, double deviation, std::mt19937_64* random) {
  std::normal_distribution<double> normal;
  LeftOutError error;
  error.query.kind = kind;
  error.query.change = std::exp(normal(*random));
  error.query.cells = 50;
  error.e_distance = 0.1 * error.query.change * std::exp(deviation * normal(*random));
  for (int g = 0; g < kErrorGenes; ++g) {
    const double change = normal(*random);
    error.change.push_back(static_cast<float>(change));
    error.variance.push_back(1);
    error.standard_error.push_back(0.05f);
    error.error.push_back(
        static_cast<float>(std::abs(0.05 * normal(*random) + 0.3 * change * normal(*random))));
  }
  return error;
}

std::vector<LeftOutError> Draw(const std::string& kind, int count, double deviation,
                               std::mt19937_64* random) {
  std::vector<LeftOutError> errors;
  for (int k = 0; k < count; ++k) errors.push_back(Draw(kind, deviation, random));
  return errors;
}

TEST(ErrorFit, IntervalsCoverNineQueriesInTenOfThoseNeverUsed) {
  std::mt19937_64 random(7);
  for (const int behind : {9, 20, 64}) {
    double covered = 0, genes = 0, asked = 0;
    for (int repeat = 0; repeat < 40; ++repeat) {
      bundle::ErrorModel model;
      model.kinds = FitErrorModel(Draw("kind", behind, 0.8, &random), model.level);
      const bundle::KindOfError& kind = model.kinds.at("kind");
      for (const LeftOutError& fresh : Draw("kind", 50, 0.8, &random)) {
        const auto estimate = model.Estimate(fresh.query);
        ASSERT_TRUE(estimate.has_value() && estimate->calibrated);
        ++asked;
        covered += estimate->low <= fresh.e_distance && fresh.e_distance <= estimate->high ? 1 : 0;
        for (int g = 0; g < kErrorGenes; ++g) {
          genes += fresh.error[g] <= bundle::GeneHalfWidth(kind, fresh.standard_error[g],
                                                           fresh.variance[g], fresh.change[g])
                       ? 1.0 / kErrorGenes
                       : 0.0;
        }
      }
    }
    EXPECT_GT(covered / asked, 0.85) << behind;
    EXPECT_LT(covered / asked, 0.95) << behind;
    EXPECT_GT(genes / asked, 0.85) << behind;
    EXPECT_LT(genes / asked, 0.95) << behind;
  }
}

TEST(ErrorFit, TheExpectedErrorFollowsTheChange) {
  std::mt19937_64 random(8);
  bundle::ErrorModel model;
  model.kinds = FitErrorModel(Draw("kind", 60, 0.3, &random), model.level);
  EXPECT_GT(model.Estimate({"kind", 4, 50, 0, 0})->expected,
            2 * model.Estimate({"kind", 0.5, 50, 0, 0})->expected);
}

TEST(ErrorFit, WidthsFollowWhatEachKindIsOffBy) {
  std::mt19937_64 random(9);
  std::vector<LeftOutError> errors = Draw("narrow", 40, 0.2, &random);
  for (LeftOutError& error : Draw("wide", 40, 1.5, &random)) errors.push_back(std::move(error));
  const auto kinds = FitErrorModel(errors, 0.9);
  EXPECT_LT(2 * kinds.at("narrow").half_width, kinds.at("wide").half_width);
}

TEST(ErrorFit, EightErrorsGiveNoIntervalAndNineDo) {
  std::mt19937_64 random(10);
  const auto errors = Draw("kind", 9, 0.5, &random);
  EXPECT_FALSE(FitErrorModel({errors.begin(), errors.end() - 1}, 0.9).at("kind").calibrated());
  const auto nine = FitErrorModel(errors, 0.9).at("kind");
  EXPECT_TRUE(nine.calibrated());
  EXPECT_GT(nine.half_width, 0);
  EXPECT_TRUE(FitErrorModel({}, 0.9).empty());
}

TEST(ErrorFit, ErrorsBelowZeroAndOfOneSizeAreFitted) {
  std::mt19937_64 random(11);
  auto errors = Draw("kind", 12, 0.5, &random);
  for (size_t k = 0; k < errors.size(); ++k) errors[k].e_distance = k % 2 == 0 ? -0.01 : 0.0;
  bundle::ErrorModel model;
  model.kinds = FitErrorModel(errors, 0.9);
  const auto estimate = model.Estimate({"kind", 1, 50, 0, 0});
  EXPECT_LE(estimate->low, -0.01);
  EXPECT_GE(estimate->high, 0);
}

// Twelve knockouts in three contexts; what they do differs from context to context by `differs`.
class LeaveOutTest : public ::testing::Test {
 protected:
  bundle::ErrorModel Model(const std::vector<std::string>& types, double differs, int threads = 2) {
    std::vector<std::string> conditions = {"ctrl"};
    for (int k = 1; k <= 12; ++k) conditions.push_back(absl::StrCat("G", k, "+ctrl"));
    cells::Dataset data = test::ToyDataset(conditions, types, 30, kErrorGenes);
    data.kind = cells::MatrixKind::kLog1p;
    std::mt19937_64 random(3);
    std::normal_distribution<double> normal;
    DenseMatrix values(data.n_cells(), kErrorGenes);
    for (int64_t cell = 0; cell < data.n_cells(); ++cell) {
      const int c = data.condition[cell], t = data.cell_type[cell];
      for (int g = 0; g < kErrorGenes; ++g) {
        const double effect =
            c == 0 ? 0 : std::cos(2.0 * g + c) + differs * std::cos(5.0 * g + c + 17.0 * t);
        values.Row(cell)[g] = static_cast<float>(
            std::max(0.0, 4 + std::sin(3.0 * t + g) + effect + 0.3 * normal(random)));
      }
    }
    data.values = ToCsr(values);
    prepared_ = {};
    prepared_.split.test.assign(data.n_cells(), false);
    prepared_.x_max = 8;
    prepared_.data = std::move(data);
    data_ = *TrainingData::Create(prepared_);
    const ConditionMoments moments(data_);
    const auto choice = ChooseResponse(data_, moments, MeasuredResponses(moments), 1, threads);
    grn::Graph graph;
    graph.indptr.assign(kErrorGenes + 1, 0);
    LeaveOutOptions options;
    options.threads = threads;
    return MakeErrorModel(data_, choice, graph, options);
  }

  cells::Prepared prepared_;
  TrainingData data_;
};

TEST_F(LeaveOutTest, CellsConditionsContextsAndBothAreLeftOut) {
  const auto model = Model({"A", "B", "C"}, 0.6);
  EXPECT_EQ(model.kinds.at("seen gene, seen context").left_out, 36);
  EXPECT_GE(model.kinds.at("seen gene, new context").left_out, 20);
  EXPECT_GE(model.kinds.at("new gene, seen context").left_out, 9);
  EXPECT_GE(model.kinds.at("new gene, new context").left_out, 9);
  EXPECT_EQ(model.conditions.size(), 12u);
  EXPECT_EQ(model.conditions[0].cells.at(2), 30);
}

TEST_F(LeaveOutTest, AnUnseenContextIsLessSureThanASeenOne) {
  const auto model = Model({"A", "B", "C"}, 0.6);
  const auto seen = model.Estimate({"seen gene, seen context", 5, 30, 0, 0});
  const auto unseen = model.Estimate({"seen gene, new context", 5, 60, 3, 0});
  ASSERT_TRUE(seen->calibrated && unseen->calibrated);
  EXPECT_GT(unseen->expected, 1.5 * std::abs(seen->expected));
  EXPECT_GT(unseen->high - unseen->low, seen->high - seen->low);
  EXPECT_GT(model.kinds.at("new gene, seen context").scale,
            model.kinds.at("seen gene, seen context").scale);
}

TEST_F(LeaveOutTest, OneContextLeavesNoneOut) {
  const auto model = Model({"A"}, 0);
  EXPECT_EQ(model.kinds.size(), 2u);
  EXPECT_EQ(model.kinds.count("seen gene, seen context"), 1u);
  EXPECT_EQ(model.kinds.count("new gene, seen context"), 1u);
}

TEST_F(LeaveOutTest, DoesNotDependOnTheNumberOfThreads) {
  EXPECT_EQ(Model({"A", "B"}, 0.5, 1).ToJson(), Model({"A", "B"}, 0.5, 3).ToJson());
}

}  // namespace
}  // namespace unlasting::trainer
