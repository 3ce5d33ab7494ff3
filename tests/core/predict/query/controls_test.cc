#include "core/predict/query/controls.h"

#include <cmath>

#include "core/base/status.h"
#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::predict {
namespace {

using cells::ControlMatrix;
using cells::MatrixKind;
using cells::MissingGenes;

class ControlsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::TempFolder;
    ASSERT_OK(test::WriteTinyBundle(folder_->At("genes"), {}));
    bundle_ =
        new std::shared_ptr<const bundle::Bundle>(*bundle::Bundle::Load(folder_->At("genes")));
  }
  static void TearDownTestSuite() {
    delete bundle_;
    delete folder_;
  }
  static const bundle::Bundle& Genes() { return **bundle_; }

  static ControlMatrix Controls(int64_t cells) {
    ControlMatrix controls;
    controls.genes = Genes().manifest().genes;
    DenseMatrix values(cells, static_cast<int64_t>(controls.genes.size()));
    for (size_t k = 0; k < values.values.size(); ++k) {
      values.values[k] = static_cast<float>(k % 4);
    }
    controls.values = ToCsr(values);
    controls.cell_types.assign(cells, "T1");
    return controls;
  }

  // In the bundle's gene order.
  static DenseMatrix LogValues(const ControlMatrix& controls) {
    const auto resolved = ResolveControls(Genes(), controls);
    EXPECT_TRUE(resolved.ok()) << resolved.status();
    return resolved.ok() ? ToDense(resolved->values) : DenseMatrix();
  }

  static void ExpectReason(const absl::Status& status, absl::StatusCode code,
                           const std::string& reason) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
  }

  inline static test::TempFolder* folder_ = nullptr;
  inline static std::shared_ptr<const bundle::Bundle>* bundle_ = nullptr;
};

TEST_F(ControlsTest, AreMatchedByGeneNameNeverByPosition) {
  const ControlMatrix straight = Controls(2);
  // The same cells with columns reversed, by symbol, beside a gene that nobody knows.
  ControlMatrix reversed = straight;
  const DenseMatrix values = ToDense(straight.values);
  reversed.genes.assign(1, "NOBODY");
  DenseMatrix wider(2, values.cols + 1);
  for (int64_t g = 0; g < values.cols; ++g) {
    const int64_t other = values.cols - 1 - g;
    reversed.genes.push_back("S" + std::to_string(other));
    for (int64_t r = 0; r < 2; ++r) wider.At(r, g + 1) = values.At(r, other);
  }
  reversed.values = ToCsr(wider);
  const auto matched = ResolveControls(Genes(), reversed);
  ASSERT_OK(matched);
  EXPECT_EQ(ToDense(matched->values).values, LogValues(straight).values);
  EXPECT_EQ(matched->ignored_genes, 1);
  EXPECT_EQ(matched->cell_type, (std::vector<int32_t>{1, 1}));
  EXPECT_EQ(matched->barcodes, (std::vector<std::string>{"0", "1"}));
}

TEST_F(ControlsTest, LogValuesStayTheSameBits) {
  ControlMatrix controls = Controls(3);
  for (float& value : controls.values.values) value = std::sqrt(value);
  EXPECT_EQ(LogValues(controls).values, ToDense(controls.values).values);
}

TEST_F(ControlsTest, CountsAreNormalisedToTheBundlesTargetSum) {
  ControlMatrix controls = Controls(1);
  controls.kind = MatrixKind::kCounts;
  double sum = 0;
  for (const float value : controls.values.values) sum += value;
  EXPECT_EQ(
      LogValues(controls).At(0, 3),
      static_cast<float>(std::log1p(3.0f * (Genes().manifest().normalisation.target_sum / sum))));
  controls.library_sizes = {500};
  EXPECT_NEAR(LogValues(controls).At(0, 3), std::log1p(6.0), 1e-5);
}

TEST_F(ControlsTest, GenesThatTheBundleDoesNotKnowCountForTheLibrarySize) {
  ControlMatrix controls = Controls(1);
  controls.kind = MatrixKind::kCounts;
  DenseMatrix wider(1, controls.values.cols + 1);
  for (float& value : wider.values) value = 2;
  controls.values = ToCsr(wider);
  controls.genes.push_back("elsewhere");
  EXPECT_NEAR(LogValues(controls).At(0, 0), std::log1p(2.0 / 50 * 1000), 1e-6);
}

TEST_F(ControlsTest, ACellWithoutCountsStaysZero) {
  ControlMatrix controls = Controls(1);
  controls.kind = MatrixKind::kCounts;
  controls.values = ToCsr(DenseMatrix(1, controls.values.cols));
  EXPECT_EQ(LogValues(controls).values, std::vector<float>(24, 0.0f));
}

TEST_F(ControlsTest, MissingGenesFollowThePolicy) {
  ControlMatrix controls = Controls(1);
  controls.genes.pop_back();
  controls.values = ToCsr(DenseMatrix(1, static_cast<int64_t>(controls.genes.size())));
  ExpectReason(ResolveControls(Genes(), controls).status(), absl::StatusCode::kInvalidArgument,
               "MISSING_GENES");
  controls.missing_genes = MissingGenes::kZero;
  EXPECT_EQ(LogValues(controls).At(0, 23), 0.0f);
  EXPECT_EQ(ResolveControls(Genes(), controls)->missing_genes, std::vector<std::string>{"G23"});
  controls.missing_genes = MissingGenes::kPanelMean;
  EXPECT_EQ(LogValues(controls).At(0, 23), Genes().reference().control_mean.At(1, 23));
}

TEST_F(ControlsTest, AGeneListHashStandsForTheBundlesGenes) {
  ControlMatrix controls = Controls(2);
  const DenseMatrix expected = LogValues(controls);
  controls.genes.clear();
  controls.gene_list_hash = Genes().manifest().GeneHash();
  EXPECT_EQ(LogValues(controls).values, expected.values);
  controls.values.cols += 1;
  ExpectReason(ResolveControls(Genes(), controls).status(), absl::StatusCode::kInvalidArgument,
               "INVALID_SHAPE");
  controls.gene_list_hash = "another";
  ExpectReason(ResolveControls(Genes(), controls).status(), absl::StatusCode::kInvalidArgument,
               "UNKNOWN_GENE_LIST");
}

TEST_F(ControlsTest, AnUnknownCellTypeIsNotFound) {
  ControlMatrix controls = Controls(2);
  controls.cell_types[1] = "T9";
  ExpectReason(ResolveControls(Genes(), controls).status(), absl::StatusCode::kNotFound,
               "UNKNOWN_CELL_TYPE");
}

TEST_F(ControlsTest, PanelDrawsCellsOfTheTypeBySeed) {
  const auto all = PanelControls(Genes(), "T1", 0, 0);
  ASSERT_OK(all);
  EXPECT_EQ(all->values.rows, 30);
  EXPECT_EQ(all->barcodes[0], "panel30");
  EXPECT_EQ(PanelControls(Genes(), "T1", 7, 1)->barcodes,
            PanelControls(Genes(), "T1", 7, 1)->barcodes);
  EXPECT_NE(PanelControls(Genes(), "T1", 7, 1)->barcodes,
            PanelControls(Genes(), "T1", 7, 2)->barcodes);
  ExpectReason(PanelControls(Genes(), "T1", 31, 0).status(), absl::StatusCode::kInvalidArgument,
               "INVALID_OPTION");
  ExpectReason(PanelControls(Genes(), "T7", 3, 0).status(), absl::StatusCode::kNotFound,
               "UNKNOWN_CELL_TYPE");
}

}  // namespace
}  // namespace unlasting::predict
