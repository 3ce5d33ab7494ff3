#include "core/predict/engine/engine_steps.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

namespace unlasting::predict {
namespace {

using Rows = absl::Span<const model::cpu::NetworkRow<float>>;

class MaskProbabilityTest : public ::testing::Test {
 protected:
  MaskProbabilityTest() {
    for (size_t k = 0; k < controls_.values.size(); ++k) {
      controls_.values[k] = static_cast<float>(k);
    }
    knockout_.knockout = {1};
  }

  DenseMatrix controls_{3, 2};
  const std::vector<int32_t> cell_types_ = {0, 1, 0};
  Perturbation knockout_;
};

TEST_F(MaskProbabilityTest, EachCellsLogitsBecomeItsProbabilities) {
  const auto probability = MaskProbabilityBy(
      [](Rows rows) {
        for (const auto& row : rows) {
          for (int g = 0; g < 2; ++g) row.out[g] = row.control[g] - 2 + row.cell_type;
        }
      },
      2, controls_, cell_types_, nullptr, knockout_);
  ASSERT_TRUE(probability.ok());
  ASSERT_EQ(probability->values.size(), 6u);
  for (int64_t cell = 0; cell < 3; ++cell) {
    for (int64_t gene = 0; gene < 2; ++gene) {
      const double logit = controls_.Row(cell)[gene] - 2 + cell_types_[cell];
      EXPECT_NEAR(probability->Row(cell)[gene], 1 / (1 + std::exp(-logit)), 1e-6);
    }
  }
}

TEST_F(MaskProbabilityTest, EveryRowIsToldOfThePerturbation) {
  Perturbation drug;
  drug.molecule = {1.0f, 0.0f};
  drug.log10_dose_um = 0.5f;
  for (const Perturbation& perturbation : {knockout_, drug}) {
    int64_t told = 0;
    ASSERT_TRUE(MaskProbabilityBy(
                    [&](Rows rows) {
                      for (const auto& row : rows) {
                        ASSERT_EQ(row.molecule != nullptr, !perturbation.molecule.empty());
                        if (row.molecule != nullptr) {
                          EXPECT_EQ(row.molecule->log10_dose_um, perturbation.log10_dose_um);
                        }
                        EXPECT_EQ(row.knockout.size(), perturbation.knockout.size());
                        EXPECT_EQ(row.x_t, nullptr);
                        ++told;
                      }
                    },
                    2, controls_, cell_types_, nullptr, perturbation)
                    .ok());
    EXPECT_EQ(told, 3);
  }
}

TEST_F(MaskProbabilityTest, FeaturesThatAreAllZeroAreNoMolecule) {
  Perturbation nothing;
  nothing.molecule = {0.0f, 0.0f};
  ASSERT_TRUE(MaskProbabilityBy(
                  [](Rows rows) {
                    ASSERT_FALSE(rows.empty());
                    for (const auto& row : rows) EXPECT_EQ(row.molecule, nullptr);
                  },
                  2, controls_, cell_types_, nullptr, nothing)
                  .ok());
}

TEST_F(MaskProbabilityTest, AnExceptionOfTheNetworkIsAnErrorWithItsWords) {
  const auto probability =
      MaskProbabilityBy([](Rows) { throw std::runtime_error("out of memory"); }, 2, controls_,
                        cell_types_, nullptr, knockout_);
  EXPECT_EQ(probability.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(probability.status().message(), "engine: out of memory");
}

}  // namespace
}  // namespace unlasting::predict
