#include "core/cells/preprocess.h"

#include <cmath>

#include "core/cells/normalise.h"
#include "tests/cells/toy_data.h"
#include "tests/support/files.h"

namespace unlasting::cells {
namespace {

Prepared Prepare(const PreprocessOptions& options) {
  auto prepared = Preprocess(test::ToyDataset({"ctrl", "G3+ctrl", "X1+ctrl"}, {"T"}, 20), options);
  EXPECT_TRUE(prepared.ok()) << prepared.status();
  return *std::move(prepared);
}

TEST(PreprocessTest, PerturbedGenesAreKeptOrBecomeExtraNodes) {
  PreprocessOptions options;
  options.genes = 4;
  const Prepared prepared = Prepare(options);
  EXPECT_LT(prepared.data.n_genes(), 12);
  EXPECT_GE(prepared.NodeOf("G3"), 0);
  EXPECT_LT(prepared.NodeOf("G3"), prepared.data.n_genes());
  EXPECT_EQ(prepared.perturbed_only, std::vector<std::string>{"X1"});
  EXPECT_EQ(prepared.NodeOf("X1"), prepared.data.n_genes());
  EXPECT_EQ(prepared.NodeOf("nobody"), -1);
}

TEST(PreprocessTest, LargestValueAndTargetSumComeFromTrainingCellsAlone) {
  Dataset data = test::ToyDataset({"ctrl", "G3+ctrl"}, {"T"}, 20);
  PreprocessOptions options;
  options.genes = 0;
  const Split split = *MakeSplit(data, options.split);
  const auto before = Preprocess(data, options);
  ASSERT_OK(before);
  // A hundredfold library in every held-out cell changes nothing that training sees.
  for (const int64_t cell : split.Cells(true)) {
    for (float& value : data.values.RowValues(cell)) value *= 100;
  }
  const auto after = Preprocess(data, options);
  ASSERT_OK(after);
  EXPECT_EQ(before->target_sum, after->target_sum);
  EXPECT_EQ(before->x_max, after->x_max);
}

TEST(PreprocessTest, RefusesBadSettings) {
  const Dataset data = test::ToyDataset({"ctrl", "G3+ctrl"}, {"T"}, 20);
  const auto refused = [&](PreprocessOptions options, const std::string& words) {
    const auto prepared = Preprocess(data, options);
    ASSERT_EQ(prepared.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(prepared.status().message().find(words), absl::string_view::npos);
  };
  PreprocessOptions options;
  options.target_sum = "lots";
  refused(options, "target_sum");
  options = PreprocessOptions();
  options.hvg_flavor = "cell_ranger";
  refused(options, "hvg_flavor");
  options = PreprocessOptions();
  options.genes = -1;
  refused(options, "genes");
}

TEST(ApplyNormalisationTest, RepeatsThePreparedValues) {
  PreprocessOptions options;
  options.genes = 5;
  const Prepared prepared = Prepare(options);
  const auto again = ApplyNormalisation(test::ToyDataset({"ctrl", "G3+ctrl", "X1+ctrl"}, {"T"}, 20),
                                        prepared.data.genes, prepared.target_sum);
  ASSERT_OK(again);
  EXPECT_EQ(again->values.values, prepared.data.values.values);
  EXPECT_EQ(ApplyNormalisation(prepared.data, {"G3", "absent"}, 1).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(NormaliseTest, MeanAndDeviationCountSilentCells) {
  DenseMatrix values(3, 2);
  values.values = {1, 0, 2, 0, 0, 3};
  std::vector<double> mean, deviation;
  MeanAndDeviation(ToCsr(values), {0, 1, 2}, &mean, &deviation);
  EXPECT_NEAR(mean[0], 1.0, 1e-12);
  EXPECT_NEAR(deviation[0], 1.0, 1e-12);
  EXPECT_NEAR(mean[1], 1.0, 1e-12);
  EXPECT_NEAR(deviation[1], std::sqrt(3.0), 1e-12);
}

TEST(NormaliseTest, CellsWithoutCountsStaySilent) {
  DenseMatrix values(2, 2);
  values.values = {0, 0, 1, 3};
  CsrMatrix counts = ToCsr(values);
  NormaliseLog1p(RowSums(counts), 8, &counts);
  EXPECT_TRUE(counts.RowValues(0).empty());
  EXPECT_NEAR(counts.RowValues(1)[0], std::log1p(2.0), 1e-6);
  EXPECT_NEAR(counts.RowValues(1)[1], std::log1p(6.0), 1e-6);
}

}  // namespace
}  // namespace unlasting::cells
