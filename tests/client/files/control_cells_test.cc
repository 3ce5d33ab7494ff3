#include "client/files/control_cells.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/anndata/writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/files.h"

namespace unlasting::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ControlCellsTest : public testing::Test {
 protected:
  ControlCellsTest() {
    model_.mutable_summary()->set_name("m");
    model_.mutable_summary()->add_cell_types("T0");
    model_.mutable_summary()->add_cell_types("T1");
    for (const char* gene : {"ENSG1", "ENSG2", "G3"}) model_.add_genes(gene);
    (*model_.mutable_gene_symbols())["ENSG1"] = "G1";
    (*model_.mutable_gene_symbols())["ENSG2"] = "G2";

    DenseMatrix counts(5, 4);
    counts.values = {1, 2, 3, 4,  //
                     0, 0, 0, 9,  //
                     5, 0, 1, 0,  //
                     2, 2, 0, 0,  //
                     0, 7, 0, 1};
    data_.x = counts;
    data_.obs.index = {"c0", "c1", "c2", "c3", "c4"};
    data_.obs.Set("condition", std::vector<std::string>{"ctrl", "STAT1+ctrl", "ctrl", "ctrl", "x"});
    data_.obs.Set("cell_type", std::vector<std::string>{"T0", "T0", "T1", "T0", "T1"});
    data_.obs.Set("total", std::vector<int64_t>{100, 200, 300, 400, 500});
    data_.var.index = {"G3", "other", "G1", "ENSG2"};
    selection_.path = folder_.At("cells.h5ad");
  }

  absl::StatusOr<cells::ControlMatrix> Read() {
    const absl::Status written = anndata::WriteAnnData(data_, selection_.path);
    EXPECT_TRUE(written.ok()) << written;
    return ReadControlCells(selection_, model_);
  }

  void ExpectError(absl::StatusCode code, const std::string& part) {
    const auto cells = Read();
    ASSERT_FALSE(cells.ok());
    EXPECT_EQ(cells.status().code(), code) << cells.status();
    EXPECT_THAT(std::string(cells.status().message()), HasSubstr(part));
    EXPECT_THAT(std::string(cells.status().message()), HasSubstr("cells.h5ad"));
  }

  const test::TempFolder folder_;
  v1::Model model_;
  anndata::AnnData data_;
  ControlSelection selection_;
};

TEST_F(ControlCellsTest, TakesControlCellsAndGenesThatTheModelKnows) {
  const auto cells = Read();
  ASSERT_OK(cells);
  EXPECT_THAT(cells->barcodes, ElementsAre("c0", "c2", "c3"));
  EXPECT_THAT(cells->cell_types, ElementsAre("T0", "T1", "T0"));
  EXPECT_THAT(cells->genes, ElementsAre("G3", "G1", "ENSG2"));
  EXPECT_THAT(ToDense(cells->values).values, ElementsAre(1, 3, 4, 5, 1, 0, 2, 0, 0));
  EXPECT_EQ(cells->kind, cells::MatrixKind::kCounts);
  EXPECT_THAT(cells->library_sizes, ElementsAre(10, 6, 4)) << "unknown genes count";
}

TEST_F(ControlCellsTest, SelectsByCellTypeAndColumnNames) {
  selection_.cell_type = "T1";
  auto cells = Read();
  ASSERT_OK(cells);
  EXPECT_THAT(cells->barcodes, ElementsAre("c2"));
  selection_.cell_type = "";
  selection_.condition_column = "";
  cells = Read();
  ASSERT_OK(cells);
  EXPECT_EQ(cells->values.rows, 5);
  selection_.condition_column = "condition";
  selection_.control_value = "x";
  cells = Read();
  ASSERT_OK(cells);
  EXPECT_THAT(cells->barcodes, ElementsAre("c4"));
}

TEST_F(ControlCellsTest, ReadsLibrarySizesFromAColumn) {
  selection_.library_size_column = "total";
  const auto cells = Read();
  ASSERT_OK(cells);
  EXPECT_THAT(cells->library_sizes, ElementsAre(100, 300, 400));
  selection_.library_size_column = "absent";
  ExpectError(absl::StatusCode::kNotFound, "absent");
}

TEST_F(ControlCellsTest, DrawsBySeedAndKeepsTheOrder) {
  selection_.condition_column = "";
  selection_.max_cells = 3;
  const auto first = Read();
  ASSERT_OK(first);
  EXPECT_EQ(first->barcodes.size(), 3u);
  EXPECT_TRUE(std::is_sorted(first->barcodes.begin(), first->barcodes.end()));
  EXPECT_EQ(Read()->barcodes, first->barcodes);
  std::set<std::vector<std::string>> draws;
  for (selection_.seed = 0; selection_.seed < 20; ++selection_.seed) draws.insert(Read()->barcodes);
  EXPECT_GT(draws.size(), 3u);
}

TEST_F(ControlCellsTest, TheMatrixKindIsFoundOutOrDeclared) {
  data_.uns["log1p"] = nlohmann::json::object();
  EXPECT_EQ(Read()->kind, cells::MatrixKind::kCounts) << "values decide, not scanpy's mark";
  data_.uns.erase("log1p");
  std::get<DenseMatrix>(data_.x).values[0] = 1.5f;
  EXPECT_EQ(Read()->kind, cells::MatrixKind::kLog1p);
  EXPECT_TRUE(Read()->library_sizes.empty());
  selection_.matrix = "counts";
  ExpectError(absl::StatusCode::kInvalidArgument, "found the fraction 1.5");
  selection_.matrix = "log1p";
  std::get<DenseMatrix>(data_.x).values[0] = 300;
  ExpectError(absl::StatusCode::kInvalidArgument, "300");
  selection_.matrix = "nonsense";
  ExpectError(absl::StatusCode::kInvalidArgument, "nonsense");
}

TEST_F(ControlCellsTest, ReadsALayer) {
  data_.layers["counts"] = data_.x;
  for (float& value : std::get<DenseMatrix>(data_.x).values) value *= 0.3f;
  selection_.layer = "counts";
  EXPECT_EQ(Read()->kind, cells::MatrixKind::kCounts);
  selection_.layer = "absent";
  ExpectError(absl::StatusCode::kNotFound, "absent");
}

TEST_F(ControlCellsTest, LogarithmsComeAsNaturalOnesWithTheSumThatTheyWereNormalisedTo) {
  selection_.condition_column = "";
  auto& values = std::get<DenseMatrix>(data_.x);
  const DenseMatrix counts = values;
  const auto log = [&](double target, double base) {
    for (int64_t r = 0; r < counts.rows; ++r) {
      double sum = 0;
      for (const float value : counts.Row(r)) sum += value;
      for (int64_t g = 0; g < counts.cols; ++g) {
        values.At(r, g) =
            static_cast<float>(std::log1p(counts.At(r, g) / sum * target) / std::log(base));
      }
    }
  };
  log(1e4, std::exp(1.0));
  const auto natural = Read();
  ASSERT_OK(natural);
  EXPECT_EQ(natural->target_sum, 1e4);
  log(1e4, 2);
  const auto binary = Read();
  ASSERT_OK(binary);
  EXPECT_EQ(binary->target_sum, 1e4);
  const auto expected = ToDense(natural->values).values, found = ToDense(binary->values).values;
  for (size_t k = 0; k < expected.size(); ++k) EXPECT_NEAR(found[k], expected[k], 1e-5);
  selection_.target_sum = 500;
  EXPECT_EQ(Read()->target_sum, 500) << "who says it is believed";
  values = counts;
  ExpectError(absl::StatusCode::kInvalidArgument, "--target-sum");
}

TEST_F(ControlCellsTest, ControlsAreFoundByTheNamesOfTheField) {
  data_.obs.Set("condition",
                std::vector<std::string>{"Non-Targeting", "STAT1", "NT-2 ", "STAT1+NT", "NT+NT"});
  EXPECT_THAT(Read()->barcodes, ElementsAre("c0", "c2", "c4"));
  selection_.control_value = "Non-Targeting";
  EXPECT_THAT(Read()->barcodes, ElementsAre("c0", "c4"));
  data_.obs.Set("condition", std::vector<std::string>{"DMSO", "x", "PBS", "untreated", "y"});
  selection_.control_value = "ctrl";
  ExpectError(absl::StatusCode::kInvalidArgument, "'DMSO', 'PBS', 'untreated'");
  data_.obs.columns[0].first = "guide_identity";
  ExpectError(absl::StatusCode::kNotFound, "use --condition-column guide_identity");
}

TEST_F(ControlCellsTest, CellsOfSeveralPatientsDoNotPassForOneType) {
  data_.obs.columns[1].first = "patient";
  selection_.cell_type = "T0";
  ExpectError(absl::StatusCode::kInvalidArgument, "use --cell-type-column patient");
  selection_.cell_type_column = "patient";
  EXPECT_THAT(Read()->barcodes, ElementsAre("c0", "c3"));
  selection_.cell_type_column = "";
  EXPECT_THAT(Read()->cell_types, ElementsAre("T0", "T0", "T0"));
}

TEST_F(ControlCellsTest, SymbolsInVarMatchToo) {
  data_.var.index = {"X1", "X2", "X3", "X4"};
  data_.var.Set("gene_name", std::vector<std::string>{"G3", "no", "G2", "G1"});
  const auto cells = Read();
  ASSERT_OK(cells);
  EXPECT_THAT(cells->genes, ElementsAre("G3", "G2", "G1"));
}

TEST_F(ControlCellsTest, SaysWhatIsMissing) {
  selection_.control_value = "vehicle";
  ExpectError(absl::StatusCode::kNotFound, "vehicle");
  selection_.control_value = "ctrl";
  selection_.cell_type = "T7";
  ExpectError(absl::StatusCode::kNotFound, "T7");
  selection_.cell_type = "";
  selection_.condition_column = "perturbation";
  ExpectError(absl::StatusCode::kNotFound, "--condition-column");
  selection_.condition_column = "condition";
  data_.var.index = {"a", "b", "c", "d"};
  ExpectError(absl::StatusCode::kInvalidArgument, "none of its 4 genes");
}

TEST_F(ControlCellsTest, WithoutACellTypeColumnTheTypeMustBeKnown) {
  data_.obs.columns.erase(data_.obs.columns.begin() + 1);
  ExpectError(absl::StatusCode::kNotFound, "--cell-type");
  selection_.cell_type = "T1";
  EXPECT_THAT(Read()->cell_types, ElementsAre("T1", "T1", "T1"));
  selection_.cell_type = "";
  model_.mutable_summary()->mutable_cell_types()->RemoveLast();
  EXPECT_THAT(Read()->cell_types, ElementsAre("T0", "T0", "T0"));
}

TEST_F(ControlCellsTest, RefusesValuesThatAreNoExpression) {
  std::get<DenseMatrix>(data_.x).values[0] = -1;
  ExpectError(absl::StatusCode::kInvalidArgument, "-1");
  selection_.path = folder_.At("absent-cells.h5ad");
  EXPECT_EQ(ReadControlCells(selection_, model_).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ControlCellsTest, RefusesAGeneThatOccursTwice) {
  data_.var.index[1] = "G3";
  ExpectError(absl::StatusCode::kInvalidArgument, "'G3' twice");
}

}  // namespace
}  // namespace unlasting::client
