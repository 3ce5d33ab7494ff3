#include "trainer/response/expected_response.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "core/cells/normalise.h"
#include "tests/core/cells/toy_data.h"
#include "tests/support/files.h"
#include "trainer/response/shrinkage.h"

namespace unlasting::trainer {
namespace {

constexpr int64_t kGenes = 8;

// Log1p cells whose condition c and type t have a mean of their own.
class ExpectedResponseTest : public testing::Test {
 protected:
  void Load(const std::vector<std::string>& conditions, const std::vector<std::string>& types,
            const std::vector<std::pair<std::string, std::string>>& held_out = {}) {
    cells::Dataset data = test::ToyDataset(conditions, types, 40, kGenes);
    data.kind = cells::MatrixKind::kLog1p;
    std::mt19937_64 random(3);
    std::normal_distribution<double> normal;
    DenseMatrix values(data.n_cells(), kGenes);
    for (int64_t cell = 0; cell < data.n_cells(); ++cell) {
      for (int64_t g = 0; g < kGenes; ++g) {
        const double mean = MeanOf(data.condition[cell], data.cell_type[cell], g);
        values.Row(cell)[g] = static_cast<float>(std::max(0.0, mean + 0.3 * normal(random)));
      }
    }
    data.values = ToCsr(values);
    prepared_ = {};
    prepared_.split.test.assign(data.n_cells(), false);
    for (int64_t cell = 0; cell < data.n_cells(); ++cell) {
      for (const auto& [condition, type] : held_out) {
        if (data.conditions[data.condition[cell]].name == condition &&
            data.cell_types[data.cell_type[cell]] == type) {
          prepared_.split.test[cell] = true;
        }
      }
    }
    prepared_.x_max = 5;
    prepared_.data = std::move(data);
    auto created = TrainingData::Create(prepared_);
    ASSERT_OK(created);
    data_ = *std::move(created);
    const ConditionMoments moments(data_);
    const MeasuredResponses measured(moments);
    choice_ = ChooseResponse(data_, moments, measured, /*seed=*/1, /*threads=*/2);
    estimate_ = EstimateExpectedResponse(data_, moments, measured, choice_);
  }

  // A response that carries over to other types in part: the types' own means count 0.6.
  static double MeanOf(int32_t condition, int32_t type, int64_t gene) {
    const double own = 0.4 * std::sin(3.0 * type + static_cast<double>(gene));
    if (condition == 0) return 2.0 + own;
    return 2.0 + 0.6 * own + 0.5 * std::cos(2.0 * condition + static_cast<double>(gene));
  }

  GeneValues MeanIn(int32_t condition, int32_t type) const {
    std::vector<int64_t> rows;
    const auto& data = prepared_.data;
    for (int64_t cell = 0; cell < data.n_cells(); ++cell) {
      if (data.condition[cell] == condition && data.cell_type[cell] == type) rows.push_back(cell);
    }
    std::vector<double> mean, deviation;
    cells::MeanAndDeviation(data.values, rows, &mean, &deviation);
    return {mean.data(), mean.size()};
  }
  GeneValues Entry(int64_t type, int64_t entry) const { return Row(estimate_.mean, type, entry); }
  GeneValues Row(const DenseMatrix& table, int64_t type, int64_t entry) const {
    const int64_t entries = table.rows / static_cast<int64_t>(prepared_.data.cell_types.size());
    const auto row = table.Row(type * entries + entry);
    GeneValues values(row.size());
    std::copy(row.begin(), row.end(), std::begin(values));
    return values;
  }
  static double Distance(const GeneValues& a, const GeneValues& b) {
    return std::abs(GeneValues(a - b)).max();
  }
  static double Norm(const GeneValues& values) {
    return std::sqrt(GeneValues(values * values).sum());
  }
  // Within about the sampling noise of 40 cells, by which a response may be drawn elsewhere.
  static void ExpectNear(const GeneValues& a, const GeneValues& b) {
    EXPECT_LT(Norm(a - b), 1.2 * 0.3 * std::sqrt(2.0 / 40 * kGenes));
  }

  cells::Prepared prepared_;
  TrainingData data_;
  ResponseChoice choice_;
  ExpectedResponseEstimate estimate_;
};

TEST_F(ExpectedResponseTest, MeasuredResponsesAreDifferencesOfMeansButForTheirNoise) {
  Load({"ctrl", "G1+ctrl", "G4+ctrl", "drug"}, {"T", "B"});
  EXPECT_EQ(estimate_.nodes, (std::vector<int64_t>{1, 4}));
  EXPECT_EQ(estimate_.drug, (std::vector<int64_t>{0, 0, 0}));
  ASSERT_EQ(estimate_.drugs.rows, 1);
  double squares = 0;
  for (const float value : estimate_.drugs.Row(0)) squares += static_cast<double>(value) * value;
  EXPECT_NEAR(squares, 1.0, 1e-6);
  ASSERT_EQ(estimate_.log10_dose.size(), 3u);
  EXPECT_NEAR(estimate_.log10_dose[2], 1.0, 1e-6);
  for (const int32_t type : {0, 1}) {
    for (const int32_t condition : {1, 2}) {
      ExpectNear(Entry(type, condition - 1), MeanIn(condition, type) - MeanIn(0, type));
    }
    EXPECT_LT(Distance(Entry(type, 2), (Entry(type, 0) + Entry(type, 1)) / 2.0), 1e-6);
    ExpectNear(Entry(type, 5), MeanIn(5, type) - MeanIn(0, type));
  }
}

TEST_F(ExpectedResponseTest, MeansToBeMetAreThoseOfWhatWasPerturbedAloneShrunkGeneByGene) {
  Load({"ctrl", "G1+ctrl", "G4+ctrl", "drug"}, {"T", "B"});
  const ConditionMoments moments(data_);
  ASSERT_EQ(estimate_.met_mean.rows, estimate_.mean.rows);
  for (const int32_t type : {0, 1}) {
    const auto expect = [&](int64_t entry, int32_t condition) {
      const GeneValues met = Row(estimate_.met_mean, type, entry);
      const GeneValues shrunk =
          ShrunkMeanByGene(moments.perturbed().at(condition).at(type), moments.control(type));
      EXPECT_LT(Distance(met, shrunk), 1e-6);
      EXPECT_GT(Norm(met), 0.5) << "a clear response is kept";
    };
    expect(0, 1);
    expect(1, 2);
    EXPECT_EQ(Distance(Row(estimate_.met_mean, type, 2), Entry(type, 2)), 0.0) << "the genes' mean";
    expect(5, 5);
  }
}

TEST_F(ExpectedResponseTest, MeansToBeMetOfWhatWasNotMeasuredAreThoseOfTheResponse) {
  Load({"ctrl", "drug"}, {"A", "B", "C"}, {{"drug", "C"}});
  EXPECT_EQ(Distance(Row(estimate_.met_mean, 2, 1), Entry(2, 1)), 0.0);
  Load({"ctrl", "G1+G4"}, {"T"});
  for (const int64_t entry : {0, 1}) {
    EXPECT_EQ(Distance(Row(estimate_.met_mean, 0, entry), Entry(0, entry)), 0.0);
  }
}

TEST_F(ExpectedResponseTest, ResponsesCarryOverInPartToACellTypeWithoutMeasurement) {
  const std::vector<std::string> types = {"A", "B", "C", "D", "E", "F"};
  Load({"ctrl", "drug"}, types, {{"drug", "F"}});
  GeneValues perturbed(0.0, kGenes), control(0.0, kGenes);
  for (const int32_t type : {0, 1, 2, 3, 4}) {
    perturbed += MeanIn(1, type) / 5.0;
    control += MeanIn(0, type) / 5.0;
  }
  const GeneValues truth = MeanIn(1, 5) - MeanIn(0, 5);
  const double mean_shift = Norm(perturbed - control - truth);
  EXPECT_LT(Norm(Entry(5, 1) - truth), 0.8 * mean_shift);
}

TEST_F(ExpectedResponseTest, GenesSeenOnlyInCombinationsShareWhatTheOthersLeaveUnexplained) {
  Load({"ctrl", "G1+ctrl", "G1+G4"}, {"T"});
  EXPECT_EQ(estimate_.nodes, (std::vector<int64_t>{1, 4}));
  const GeneValues pair = MeanIn(2, 0) - MeanIn(0, 0);
  ExpectNear(Entry(0, 0), MeanIn(1, 0) - MeanIn(0, 0));
  ExpectNear(Entry(0, 0) + Entry(0, 1), pair);
}

TEST_F(ExpectedResponseTest, HeldOutCellsAreLeftOut) {
  Load({"ctrl", "G1+ctrl", "G4+ctrl"}, {"T"}, {{"G4+ctrl", "T"}});
  EXPECT_EQ(estimate_.nodes, (std::vector<int64_t>{1}));
  EXPECT_LT(Distance(Entry(0, 1), Entry(0, 0)), 1e-6) << "the mean is that of what was trained on";
}

TEST_F(ExpectedResponseTest, GenesThatAlwaysOccurTogetherShareTheirResponseEvenly) {
  Load({"ctrl", "G1+G4"}, {"T"});
  EXPECT_EQ(estimate_.nodes, (std::vector<int64_t>{1, 4}));
  const GeneValues pair = MeanIn(1, 0) - MeanIn(0, 0);
  EXPECT_LT(Distance(Entry(0, 0), Entry(0, 1)), 1e-6);
  ExpectNear(Entry(0, 0), pair / 2.0);
}

}  // namespace
}  // namespace unlasting::trainer
