// How counts vary between like cells, on cells whose dispersions are planted.
#include "trainer/response/count_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "core/cells/preprocess.h"
#include "tests/core/cells/toy_data.h"
#include "tests/support/files.h"

namespace unlasting::trainer {
namespace {

constexpr int kGenes = 60;
constexpr int kCells = 300;

class CountModelTest : public testing::Test {
 protected:
  // Counts of a negative binomial of each gene's dispersion, at library sizes that differ; what a
  // condition does to the means counts for nothing.
  bundle::CountModel Fit(const std::function<double(int)>& dispersion,
                         const std::function<double(int)>& mean) {
    cells::Dataset data = test::ToyDataset({"ctrl", "G1+ctrl"}, {"A", "B"}, kCells, kGenes);
    std::mt19937_64 random(5);
    std::uniform_real_distribution<double> depth(0.5, 2.0);
    DenseMatrix counts(data.n_cells(), kGenes);
    for (int64_t cell = 0; cell < data.n_cells(); ++cell) {
      const double size = depth(random);
      for (int g = 0; g < kGenes; ++g) {
        const double changed = data.condition[cell] != 0 && g % 3 == 0 ? 3 : 1;
        double rate = mean(g) * size * changed;
        if (dispersion(g) > 0) {
          rate *= std::gamma_distribution<double>(1 / dispersion(g), dispersion(g))(random);
        }
        counts.At(cell, g) =
            rate > 0 ? static_cast<float>(std::poisson_distribution<int>(rate)(random)) : 0.0f;
      }
      // The depth is known; the sums of so few genes would not tell it.
      data.library_size.push_back(1000 * size);
    }
    data.values = ToCsr(counts);
    cells::PreprocessOptions options;
    options.genes = 0;
    options.split.kind = "cells";
    auto prepared = cells::Preprocess(std::move(data), options);
    EXPECT_TRUE(prepared.ok()) << prepared.status();
    prepared_ = *std::move(prepared);
    data_ = *TrainingData::Create(prepared_);
    return FitCountModel(data_, 1);
  }

  cells::Prepared prepared_;
  TrainingData data_;
};

TEST_F(CountModelTest, DispersionsAreFoundGeneByGene) {
  const auto planted = [](int g) { return g % 2 == 0 ? 0.2 : 1.5; };
  const auto model = Fit(planted, [](int g) { return 2.0 + g % 5; });
  ASSERT_EQ(model.dispersion.size(), static_cast<size_t>(kGenes));
  for (int g = 0; g < kGenes; ++g) {
    EXPECT_NEAR(model.dispersion[g], planted(g), 0.35 * planted(g) + 0.05) << g;
  }
  EXPECT_NEAR(model.library_size, 1250, 100);
}

TEST_F(CountModelTest, PoissonCountsHaveNone) {
  const auto model = Fit([](int) { return 0.0; }, [](int) { return 3.0; });
  for (const double phi : model.dispersion) EXPECT_LT(phi, 0.03);
}

TEST_F(CountModelTest, RareGenesAreDrawnTowardsOthersOfTheirMean) {
  // Few counts in all: by themselves they say next to nothing.
  const auto model = Fit([](int) { return 0.5; }, [](int g) { return g < 50 ? 0.02 : 5.0; });
  double lowest = 10, highest = 0;
  for (int g = 0; g < 50; ++g) {
    lowest = std::min(lowest, model.dispersion[g]);
    highest = std::max(highest, model.dispersion[g]);
  }
  EXPECT_LT(highest - lowest, 2.0);
  EXPECT_NEAR(model.dispersion[55], 0.5, 0.15);
}

TEST_F(CountModelTest, CellsThatVaryByThemselvesAreDrawnWithoutMore) {
  const auto model = Fit([](int) { return 1.0; }, [](int) { return 8.0; });
  EXPECT_EQ(model.dispersion_share, 0);
  EXPECT_EQ(model.curve.size(), 4u);
  EXPECT_LT(model.curve[0][1], model.curve[3][1]);
}

TEST_F(CountModelTest, AGeneWithoutCountsIsAsTheRarest) {
  const auto model = Fit([](int) { return 0.5; }, [](int g) { return g == 7 ? 0.0 : 1.0 + g % 4; });
  EXPECT_TRUE(std::isfinite(model.dispersion[7]));
  EXPECT_GE(model.dispersion[7], 0);
}

TEST_F(CountModelTest, Log1pValuesSayNothingOfCounts) {
  Fit([](int) { return 0.5; }, [](int) { return 3.0; });
  prepared_.library_size.clear();
  EXPECT_TRUE(FitCountModel(data_, 1).empty());
}

}  // namespace
}  // namespace unlasting::trainer
