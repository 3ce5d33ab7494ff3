#include "server/rpc/summary.h"

#include <cmath>

#include "gtest/gtest.h"

namespace unlasting::server {
namespace {

DenseMatrix Matrix(int64_t rows, int64_t cols, std::vector<float> values) {
  DenseMatrix matrix(rows, cols);
  matrix.values = std::move(values);
  return matrix;
}

predict::Profiles Predicted(DenseMatrix values) {
  predict::Profiles profiles;
  profiles.perturbation = 4;
  profiles.active_share.assign(values.cols, 0.25f);
  profiles.values = std::move(values);
  return profiles;
}

TEST(Summary, ComparesPredictedWithControlCellsGeneByGene) {
  // Columns: unchanged, rises, falls silent.
  const CsrMatrix controls = ToCsr(Matrix(4, 3, {1, 1, 2, 2, 2, 3, 1, 1, 2, 2, 2, 3}));
  const Summarizer summarizer(controls, {0, 1, 2}, {"A", "B", "C"}, 2);
  const auto summary =
      summarizer.Summarize(Predicted(Matrix(4, 3, {1, 3, 0, 2, 4, 0, 1, 3, 0, 2, 4, 0})));
  EXPECT_EQ(summary.perturbation_index(), 4);
  EXPECT_FLOAT_EQ(summary.mean(1), 3.5f);
  EXPECT_FLOAT_EQ(summary.control_mean(1), 1.5f);
  EXPECT_FLOAT_EQ(summary.active_share(2), 0.0f);
  EXPECT_FLOAT_EQ(summary.active_share(0), 1.0f);
  EXPECT_FLOAT_EQ(summary.active_probability(0), 0.25f);
  EXPECT_NEAR(summary.log2_fold_change(0), 0.0, 1e-6);
  EXPECT_NEAR(summary.log2_fold_change(1), std::log2(std::expm1(3.5) / std::expm1(1.5)), 1e-5);
  EXPECT_LT(summary.log2_fold_change(2), -20);
  ASSERT_EQ(summary.ranked_genes_size(), 2);
  // Variances are 1/3 each: t = 2 / sqrt(1/3/4 + 1/3/4); C has one silent side, t =
  // -2.5/sqrt(1/12).
  EXPECT_EQ(summary.ranked_genes(0).gene(), "C");
  EXPECT_NEAR(summary.ranked_genes(0).score(), -2.5 / std::sqrt(1.0 / 12), 1e-4);
  EXPECT_EQ(summary.ranked_genes(1).gene(), "B");
  EXPECT_NEAR(summary.ranked_genes(1).score(), 2 / std::sqrt(1.0 / 6), 1e-4);
  EXPECT_FLOAT_EQ(summary.ranked_genes(1).mean_difference(), 2.0f);
}

TEST(Summary, SpreadIsOfThePredictedCellsAndOfTheirChange) {
  const CsrMatrix controls = ToCsr(Matrix(4, 2, {1, 0, 2, 0, 3, 0, 4, 0}));
  const Summarizer summarizer(controls, {0, 1}, {"A", "B"}, 2);
  // A moves every cell by 1: the cells differ, the change does not.
  predict::Profiles predicted = Predicted(Matrix(4, 2, {2, 1, 3, 3, 4, 1, 5, 3}));
  const auto summary = summarizer.Summarize(predicted);
  EXPECT_NEAR(summary.standard_deviation(0), std::sqrt(5.0 / 3), 1e-6);
  EXPECT_NEAR(summary.change_standard_error(0), 0, 1e-6);
  EXPECT_NEAR(summary.standard_deviation(1), std::sqrt(4.0 / 3), 1e-6);
  EXPECT_NEAR(summary.change_standard_error(1), std::sqrt(4.0 / 3 / 4), 1e-6);
  EXPECT_EQ(summary.mask_standard_deviation_size(), 0);
  predicted.mask_deviation = {0.5f, 0.25f};
  EXPECT_FLOAT_EQ(summarizer.Summarize(predicted).mask_standard_deviation(1), 0.25f);
}

TEST(Summary, OneCellHasNoScoreAndRanksByDifference) {
  const CsrMatrix controls = ToCsr(Matrix(1, 2, {1, 1}));
  const Summarizer summarizer(controls, {0, 1}, {"A", "B"}, 50);
  const auto summary = summarizer.Summarize(Predicted(Matrix(1, 2, {1.5f, 3})));
  ASSERT_EQ(summary.ranked_genes_size(), 2);
  EXPECT_EQ(summary.ranked_genes(0).gene(), "B");
  EXPECT_EQ(summary.ranked_genes(0).score(), 0);
  EXPECT_EQ(summary.standard_deviation(1), 0);
  EXPECT_EQ(summary.change_standard_error(1), 0);
}

TEST(Summary, ReportsOnlyTheColumnsAskedFor) {
  const CsrMatrix controls = ToCsr(Matrix(2, 3, {1, 2, 3, 1, 2, 3}));
  const Summarizer summarizer(controls, {2, 0}, {"C", "A"}, 50);
  const auto summary = summarizer.Summarize(Predicted(Matrix(2, 3, {4, 5, 6, 4, 5, 6})));
  ASSERT_EQ(summary.mean_size(), 2);
  EXPECT_FLOAT_EQ(summary.mean(0), 6);
  EXPECT_FLOAT_EQ(summary.control_mean(1), 1);
}

}  // namespace
}  // namespace unlasting::server
