#include "core/predict/job/finish.h"

#include <gtest/gtest.h>

#include "core/predict/job/mask.h"
#include "tests/core/predict/job/job_fixture.h"

namespace unlasting::predict {
namespace {

constexpr char kType[] = "T0";
constexpr int64_t kCells = 25;

DenseMatrix Values(int64_t rows, int64_t cols, std::vector<float> values) {
  DenseMatrix matrix(rows, cols);
  matrix.values = std::move(values);
  return matrix;
}

TEST(MeanFactors, BringTheMeanOfActiveAndSilentCellsToTheExpectedOne) {
  DenseMatrix values = Values(2, 2, {1, 4, 0, 0});
  const std::vector<float> mean = {1.0f, 1.0f};
  const std::vector<float> factors = MeanFactors(values, mean);
  EXPECT_FLOAT_EQ(factors[0], 2.0f);
  EXPECT_FLOAT_EQ(factors[1], 0.5f);
  ScaleGenes(factors, &values);
  EXPECT_EQ(values.values, (std::vector<float>{2, 2, 0, 0}));
}

TEST(MeanFactors, StayWithinTheirBounds) {
  const DenseMatrix values = Values(1, 3, {1, 1, 1});
  const std::vector<float> mean = {100.0f, 0.001f, -1.0f};
  EXPECT_EQ(MeanFactors(values, mean),
            (std::vector<float>{kLargestMeanFactor, kLeastMeanFactor, kLeastMeanFactor}));
}

TEST(MeanFactors, NegativeValuesCountAsZeroAndSilentGenesStaySilent) {
  const DenseMatrix values = Values(2, 2, {-5, 0, 1, 0});
  const std::vector<float> mean = {1.0f, 1.0f};
  EXPECT_EQ(MeanFactors(values, mean), (std::vector<float>{2.0f, 1.0f}));
}

using MeetMeans = JobTest;

TEST_F(MeetMeans, CellsOfARequestHaveTheExpectedMean) {
  options_.mask = MaskMode::kRank;
  options_.meet_means = true;
  const auto controls = Panel(kType, kCells);
  const auto knockout = Knockout("G1");
  const Profiles profiles = Predict(controls, {knockout})[0];
  const DenseMatrix cells = ToDense(controls->values);
  const double x_max = bundle_->manifest().normalisation.x_max;
  const auto change = *engine_->ExpectedMeanChange(0, nullptr, *knockout);
  int64_t met = 0;
  for (int64_t g = 0; g < profiles.values.cols; ++g) {
    double control = 0, predicted = 0;
    for (int64_t r = 0; r < profiles.values.rows; ++r) {
      control += cells.At(r, g) / static_cast<double>(kCells);
      predicted += profiles.values.At(r, g) / static_cast<double>(kCells);
    }
    const double expected = std::max(0.0, control + change[g] * x_max);
    met += std::abs(predicted - expected) < 1e-3 * std::max(1.0, expected);
  }
  EXPECT_GT(met, profiles.values.cols / 2) << "the others are bounded or silent";
}

// How many genes of an answer have the means that the mask leaves of control cells moved by the
// expected response; the others' factors are bounded, or the genes are silent.
class MovedMeans : public JobTest {
 protected:
  int64_t Met(const char* type, int32_t index, const std::vector<std::string>& genes = {"G1"}) {
    options_.mask = MaskMode::kRank;
    options_.meet_means = false;
    const auto controls = Panel(type, kCells);
    const std::shared_ptr<const Perturbation> knockout =
        *ResolvePerturbation(*bundle_, {genes, "", "", {}, 0});
    const Profiles profiles = Predict(controls, {knockout})[0];
    const auto change = *engine_->ExpectedMeanChange(index, nullptr, *knockout);
    const double x_max = bundle_->manifest().normalisation.x_max;
    DenseMatrix moved = ToDense(controls->values);
    for (int64_t r = 0; r < moved.rows; ++r) {
      for (int64_t g = 0; g < moved.cols; ++g) {
        moved.At(r, g) += static_cast<float>(change[g] * x_max);
      }
    }
    const std::vector<double> share(profiles.active_share.begin(), profiles.active_share.end());
    KeepTopShare(share, &moved);
    const std::vector<float> expected = MeanValues(moved), found = MeanValues(profiles.values);
    int64_t met = 0;
    for (int64_t g = 0; g < profiles.values.cols; ++g) {
      met += std::abs(found[g] - expected[g]) < 1e-3 * std::max(1.0f, expected[g]);
    }
    return met;
  }
};

TEST_F(MovedMeans, AreKeptWhereNoPerturbedCellOfTheTypeWasTrainedOn) {
  ASSERT_FALSE(bundle_->trained_contexts().Seen(1));
  EXPECT_GT(Met("T1", 1), static_cast<int64_t>(bundle_->manifest().genes.size()) / 2);
}

TEST_F(MovedMeans, AreTheNetworksWhereItLearntThem) {
  ASSERT_TRUE(bundle_->trained_contexts().Seen(0));
  EXPECT_LT(Met("T0", 0), static_cast<int64_t>(bundle_->manifest().genes.size()) / 2);
}

TEST_F(MovedMeans, AreKeptOfPairsWhereNoPairWasTrainedOn) {
  ASSERT_FALSE(bundle_->trained_contexts().SeenCombination());
  EXPECT_GT(Met("T0", 0, {"G1", "G2"}), static_cast<int64_t>(bundle_->manifest().genes.size()) / 2);
}

TEST_F(MovedMeans, OfPairsAreTheNetworksWhereAnotherPairWasTrainedOn) {
  test::TinyBundleOptions options;
  options.pairs = true;
  ASSERT_OK(test::WriteTinyBundle(folder_->At("pairs"), options));
  bundle_ = *bundle::Bundle::Load(folder_->At("pairs"));
  engine_ = *CreateEngine(bundle_, EngineOptions());
  ASSERT_TRUE(bundle_->trained_contexts().SeenCombination());
  EXPECT_LT(Met("T0", 0, {"G1", "G2"}), static_cast<int64_t>(bundle_->manifest().genes.size()) / 2);
}

TEST_F(MeetMeans, ACellAloneHasTheFactorsOfThePanel) {
  options_.mask = MaskMode::kRank;
  options_.meet_means = true;
  const auto all = Panel(kType, 0);
  const auto some = [&](std::vector<int64_t> rows) {
    auto controls = std::make_shared<ControlSet>(*all);
    controls->values = SelectRows(all->values, rows);
    controls->cell_type.resize(rows.size());
    controls->barcodes.resize(rows.size());
    return controls;
  };
  const auto two = Predict(some({3, 7}), {Knockout("G1")})[0];
  const auto one = Predict(some({3}), {Knockout("G1")})[0];
  for (int64_t g = 0; g < one.values.cols; ++g) {
    EXPECT_EQ(one.values.At(0, g), two.values.At(0, g));
  }
}

}  // namespace
}  // namespace unlasting::predict
