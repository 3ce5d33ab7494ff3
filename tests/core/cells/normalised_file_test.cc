#include "core/cells/normalised_file.h"

#include "core/anndata/writer.h"
#include "core/cells/preprocess.h"
#include "tests/core/cells/toy_data.h"
#include "tests/support/files.h"

namespace unlasting::cells {
namespace {

class NormalisedFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    data_ = test::ToyDataset({"ctrl", "G3+ctrl", "X1+ctrl"}, {"T", "B"}, 20);
    PreprocessOptions options;
    options.genes = 5;
    auto prepared = Preprocess(data_, options);
    ASSERT_OK(prepared);
    prepared_ = *std::move(prepared);
    ASSERT_OK(anndata::WriteAnnData(ToAnnData(data_), path_));
    auto file = NormalisedFile::Open(path_, LoadOptions());
    ASSERT_OK(file);
    file_ = *std::move(file);
  }

  test::TempFolder folder_;
  const std::string path_ = folder_.At("cells.h5ad");
  Dataset data_;
  Prepared prepared_;
  std::unique_ptr<NormalisedFile> file_;
};

TEST_F(NormalisedFileTest, ChosenRowsAreThoseOfThePreparedData) {
  EXPECT_EQ(file_->annotations().kind, MatrixKind::kCounts);
  EXPECT_EQ(file_->annotations().values.values.size(), 0u);
  const std::vector<int64_t> first = {7, 3, 7}, second = {119, 0};
  ChosenRows chosen(file_->annotations().n_cells());
  chosen.Want(first);
  chosen.Want(second);
  // As from a file of three blocks, of which the second holds none of them.
  ASSERT_OK(file_->ForEachBlock(prepared_.data.genes, prepared_.target_sum,
                                [&](int64_t from, const CsrMatrix& block) {
                                  EXPECT_EQ(from, 0);
                                  std::vector<int64_t> rows(block.rows);
                                  for (int64_t r = 0; r < block.rows; ++r) rows[r] = r;
                                  const absl::Span<const int64_t> all(rows);
                                  chosen.Take(0, SelectRows(block, all.subspan(0, 50)));
                                  chosen.Take(50, SelectRows(block, all.subspan(50, 60)));
                                  chosen.Take(110, SelectRows(block, all.subspan(110)));
                                  return absl::OkStatus();
                                }));
  EXPECT_EQ(chosen.Dense(first).values, SelectRowsDense(prepared_.data.values, first).values);
  EXPECT_EQ(chosen.Dense(second).values, SelectRowsDense(prepared_.data.values, second).values);
  EXPECT_EQ(chosen.Dense({}).rows, 0);
}

TEST_F(NormalisedFileTest, SaysWhichGeneOrTargetSumIsMissing) {
  const auto pass = [this](const std::vector<std::string>& genes, double target_sum) {
    return file_->ForEachBlock(genes, target_sum,
                               [](int64_t, const CsrMatrix&) { return absl::OkStatus(); });
  };
  const absl::Status absent = pass({"G3", "absent"}, 1);
  EXPECT_EQ(absent.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(absent.message(), path_ + ": gene 'absent' of the bundle is missing");
  const absl::Status counts = pass({"G3"}, 0);
  EXPECT_EQ(counts.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(counts.message().rfind(path_ + ": found counts", 0), 0u) << counts;
  LoadOptions options;
  options.matrix = "log1p";
  const auto declared = NormalisedFile::Open(path_, options);
  EXPECT_EQ(declared.status().message().rfind(path_ + ": X: declared log1p", 0), 0u)
      << declared.status();
}

TEST_F(NormalisedFileTest, AVisitorsErrorEndsThePass) {
  const absl::Status stopped = file_->ForEachBlock(
      {"G3"}, 1, [](int64_t, const CsrMatrix&) { return absl::CancelledError("enough"); });
  EXPECT_EQ(stopped.code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace unlasting::cells
