#include "core/cells/preprocess.h"

#include <cmath>

#include "core/anndata/writer.h"
#include "core/cells/normalise.h"
#include "core/cells/normalised_file.h"
#include "core/cells/row_source.h"
#include "core/cells/survey.h"
#include "tests/core/cells/toy_data.h"
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

// Ten rows at a time.
class SmallBlocks : public RowSource {
 public:
  explicit SmallBlocks(CsrMatrix matrix) : matrix_(std::move(matrix)) {}
  absl::Status ForEachBlock(const Visit& visit) override {
    ++passes;
    for (int64_t first = 0; first < matrix_.rows; first += 10) {
      std::vector<int64_t> rows;
      for (int64_t r = first; r < std::min(first + 10, matrix_.rows); ++r) rows.push_back(r);
      const absl::Status status = visit(first, SelectRows(matrix_, rows));
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  int64_t rows() const override { return matrix_.rows; }
  int64_t cols() const override { return matrix_.cols; }
  int passes = 0;

 private:
  CsrMatrix matrix_;
};

TEST(SurveyTest, BlocksAddUpAndALateFractionChangesTheKind) {
  const Dataset data = test::ToyDataset({"ctrl", "G3+ctrl"}, {"T"}, 20);
  SmallBlocks counts(data.values);
  const auto whole = SurveyRows(&counts, {});
  ASSERT_OK(whole);
  EXPECT_EQ(whole->kind, MatrixKind::kCounts);
  EXPECT_EQ(counts.passes, 1);
  EXPECT_EQ(whole->row_sum, RowSums(data.values));
  EXPECT_EQ(whole->raw.cells, 40);
  CsrMatrix late = data.values;
  late.values.back() = 0.5f;
  SmallBlocks logarithms(late);
  const auto survey = SurveyRows(&logarithms, {});
  ASSERT_OK(survey);
  EXPECT_EQ(survey->kind, MatrixKind::kLog1p);
  EXPECT_EQ(survey->linear.cells, 40);
  EXPECT_NEAR(SeuratDispersion(survey->linear).mean[3], SeuratDispersion(late).mean[3], 1e-12);
  late.values[5] = 700;
  SmallBlocks neither(late);
  EXPECT_FALSE(SurveyRows(&neither, {}).ok());
}

TEST(PreprocessTest, AFileGivesWhatItsCellsInMemoryGive) {
  const test::TempFolder folder;
  const Dataset data = test::ToyDataset({"ctrl", "G3+ctrl", "X1+ctrl"}, {"T", "B"}, 20);
  ASSERT_OK(anndata::WriteAnnData(ToAnnData(data), folder.At("cells.h5ad")));
  for (const char* flavor : {"seurat", "seurat_v3"}) {
    PreprocessOptions options;
    options.genes = 4;
    options.hvg_flavor = flavor;
    const auto memory = Preprocess(data, options);
    int64_t last = 0, foreseen = 0;
    const auto file = PreprocessFile(folder.At("cells.h5ad"), LoadOptions(), options,
                                     [&](int64_t done, int64_t total) {
                                       EXPECT_GE(done, last);
                                       last = done;
                                       foreseen = total;
                                     });
    ASSERT_OK(memory);
    ASSERT_OK(file);
    EXPECT_EQ(file->data.genes, memory->data.genes);
    EXPECT_EQ(file->data.values.values, memory->data.values.values);
    EXPECT_EQ(file->x_max, memory->x_max);
    EXPECT_EQ(last, foreseen);
    const auto normalised =
        LoadNormalised(folder.At("cells.h5ad"), LoadOptions(), file->data.genes, file->target_sum);
    ASSERT_OK(normalised);
    EXPECT_EQ(normalised->values.values, memory->data.values.values);
  }
}

TEST(PreprocessTest, SeuratV3RefusesLogarithms) {
  Dataset data = test::ToyDataset({"ctrl", "G3+ctrl"}, {"T"}, 20);
  data.kind = MatrixKind::kLog1p;
  PreprocessOptions options;
  options.genes = 4;
  options.hvg_flavor = "seurat_v3";
  EXPECT_NE(Preprocess(data, options).status().message().find("expects counts"),
            absl::string_view::npos);
}

TEST(PreprocessTest, LibrarySizesOfAColumnReplaceThePanelsSums) {
  Dataset data = test::ToyDataset({"ctrl", "G3+ctrl"}, {"T"}, 20);
  data.library_size.assign(data.n_cells(), 1000.0);
  PreprocessOptions options;
  options.genes = 0;
  options.target_sum = "500";
  const float count = data.values.values[0];
  const auto prepared = Preprocess(data, options);
  ASSERT_OK(prepared);
  EXPECT_NEAR(prepared->data.values.values[0], std::log1p(count / 2), 1e-6);
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
