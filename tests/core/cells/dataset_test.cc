#include "core/cells/dataset.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/anndata/warnings.h"
#include "core/anndata/writer.h"
#include "core/base/dose.h"
#include "tests/support/files.h"

namespace unlasting::cells {
namespace {

CsrMatrix Values(std::vector<float> values) {
  DenseMatrix matrix(1, static_cast<int64_t>(values.size()));
  matrix.values = std::move(values);
  return ToCsr(matrix);
}

anndata::AnnData TwoGeneFile() {
  anndata::AnnData data;
  DenseMatrix x(4, 2);
  x.values = {3, 0, 1, 2, 0, 5, 4, 4};
  data.x = ToCsr(x);
  data.obs.index = {"a", "b", "c", "d"};
  data.var.index = {"G0", "G1"};
  data.obs.Set("condition", std::vector<std::string>{"ctrl", "G0+ctrl", "ctrl", "G0+X9"});
  data.obs.Set("cell_type", std::vector<std::string>{"T", "T", "B", "B"});
  return data;
}

absl::StatusOr<Dataset> WriteAndLoad(const anndata::AnnData& data,
                                     const LoadOptions& options = {}) {
  const test::TempFolder folder;
  const absl::Status written = anndata::WriteAnnData(data, folder.At("cells.h5ad"));
  if (!written.ok()) return written;
  return LoadDataset(folder.At("cells.h5ad"), options);
}

void ExpectRefused(const anndata::AnnData& data, const std::string& words,
                   const LoadOptions& options = {}) {
  const auto loaded = WriteAndLoad(data, options);
  ASSERT_FALSE(loaded.ok()) << words;
  EXPECT_NE(loaded.status().message().find(words), absl::string_view::npos) << loaded.status();
  EXPECT_NE(loaded.status().message().find("cells.h5ad"), absl::string_view::npos);
  EXPECT_EQ(loaded.status().message().find('\n'), absl::string_view::npos);
}

TEST(LoadDatasetTest, ReadsAnMtxFolderWithTheTableThatIsNamed) {
  const test::TempFolder folder;
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder.At(name)) << text;
  };
  write("matrix.mtx",
        "%%MatrixMarket matrix coordinate integer general\n2 3 3\n1 1 3\n2 2 5\n1 3 1\n");
  write("barcodes.tsv", "a\nb\nc\n");
  write("features.tsv", "E0\tG0\tGene Expression\nE1\tG1\tGene Expression\n");
  write("mine.tsv", "cell\tcondition\nc\tctrl\na\tctrl\nb\tG0+ctrl\n");
  LoadOptions options;
  EXPECT_FALSE(LoadDataset(folder.path().string(), options).ok()) << "there is no condition";
  options.obs_table = folder.At("mine.tsv");
  const auto data = LoadDataset(folder.path().string(), options);
  ASSERT_OK(data);
  EXPECT_EQ(data->genes, (std::vector<std::string>{"G0", "G1"}));
  EXPECT_EQ(ToDense(data->values).values, (std::vector<float>{3, 0, 0, 5, 1, 0}));
  EXPECT_EQ(data->kind, MatrixKind::kCounts);
  ASSERT_EQ(data->conditions.size(), 2u);
  EXPECT_EQ(data->conditions[1].genes, (std::vector<std::string>{"G0"}));
  EXPECT_EQ(data->condition, (std::vector<int32_t>{0, 1, 0}));
}

TEST(LoadDatasetTest, ReadsConditionsInTheGrammarOfTheField) {
  const auto data = WriteAndLoad(TwoGeneFile());
  ASSERT_OK(data);
  EXPECT_EQ(data->kind, MatrixKind::kCounts);
  ASSERT_EQ(data->conditions.size(), 3u);
  EXPECT_TRUE(data->conditions[0].control);
  EXPECT_EQ(data->conditions[1].genes, std::vector<std::string>{"G0"});
  EXPECT_EQ(data->conditions[2].genes, (std::vector<std::string>{"G0", "X9"}));
  EXPECT_EQ(data->cell_type, (std::vector<int32_t>{0, 0, 1, 1}));
  EXPECT_EQ(data->values.RowValues(1)[1], 2.0f);
}

TEST(LoadDatasetTest, TellsDosesOfADrugApartAndConvertsUnits) {
  anndata::AnnData file = TwoGeneFile();
  file.obs.Set("condition", std::vector<std::string>{"ctrl", "aspirin", "aspirin", "ctrl"});
  file.obs.Set("SMILES",
               std::vector<std::string>{"", "CC(=O)Oc1ccccc1C(=O)O", "CC(=O)Oc1ccccc1C(=O)O", ""});
  file.obs.Set("dose_val", std::vector<double>{0, 200, 2, 0});
  file.obs.Set("dose_unit", std::vector<std::string>{"", "nM", "uM", ""});
  const auto data = WriteAndLoad(file);
  ASSERT_OK(data);
  ASSERT_EQ(data->conditions.size(), 3u);
  EXPECT_DOUBLE_EQ(data->conditions[1].dose_um, 0.2);
  EXPECT_DOUBLE_EQ(data->conditions[2].dose_um, 2.0);
  EXPECT_TRUE(data->conditions[1].molecule());
}

TEST(LoadDatasetTest, RefusesBadInputWithOneLineThatNamesTheFileAndTheFault) {
  LoadOptions options;
  options.condition_column = "treatment";
  ExpectRefused(TwoGeneFile(),
                "obs has no column 'treatment'; found: condition cell_type; use --set "
                "condition_column=condition",
                options);

  anndata::AnnData file = TwoGeneFile();
  file.obs.Set("condition", std::vector<std::string>{"A", "A", "B", "B"});
  ExpectRefused(file, "no control cells");

  file = TwoGeneFile();
  std::get<CsrMatrix>(file.x).values[0] = -1;
  ExpectRefused(file, "found the value -1");
  std::get<CsrMatrix>(file.x).values[0] = std::nanf("");
  ExpectRefused(file, "found the value nan");

  file = TwoGeneFile();
  file.var.index = {"G0", "G0"};
  ExpectRefused(file, "'G0' stands there twice");

  options = LoadOptions();
  options.matrix = "log1p";
  ExpectRefused(TwoGeneFile(), "declared log1p", options);
  file = TwoGeneFile();
  std::get<CsrMatrix>(file.x).values[0] = 0.7f;
  options.matrix = "counts";
  ExpectRefused(file, "declared counts", options);

  file = TwoGeneFile();
  file.obs.Set("SMILES", std::vector<std::string>{"", "CCO", "", ""});
  ExpectRefused(file, "dose_val");
  file.obs.Set("dose_val", std::vector<double>{0, -2, 0, 0});
  ExpectRefused(file, "found -2, expected above 0");
  options = LoadOptions();
  options.layer = "raw_counts";
  ExpectRefused(TwoGeneFile(), "layers/raw_counts", options);
}

TEST(LoadDatasetTest, MissingConditionsAndCellTypesAreRefusedByCell) {
  anndata::AnnData file = TwoGeneFile();
  file.obs.Set("condition", anndata::Categorical{{0, 1, -1, 1}, {"ctrl", "G0+ctrl"}, false});
  ExpectRefused(file, "obs column 'condition' is empty for cell c");
  // What pandas makes of a missing value in a column of strings.
  file.obs.Set("condition", std::vector<std::string>{"ctrl", "G0+ctrl", "ctrl", "nan"});
  ExpectRefused(file, "obs column 'condition' is empty for cell d");
  file = TwoGeneFile();
  for (const char* missing : {"None", "NA", "<NA>", "null", "NaN", " "}) {
    file.obs.Set("condition", std::vector<std::string>{"ctrl", "G0+ctrl", missing, missing});
    ExpectRefused(file, "obs column 'condition' is empty for cell c");
  }
  file.obs.Set("condition", std::vector<std::string>{"None", "G0+ctrl", "None", "G0+ctrl"});
  ExpectRefused(file,
                "(found 'None') and 1 more; remove such cells, or where they are the control "
                "cells set control=None");
  LoadOptions options;
  options.control = "None";
  EXPECT_TRUE(WriteAndLoad(file, options)->conditions[0].control);
  file = TwoGeneFile();
  file.obs.Set("cell_type", anndata::Categorical{{0, -1, 0, 0}, {"T"}, false});
  ExpectRefused(file, "obs column 'cell_type' is empty for cell b");
  file.obs.Set("cell_type", anndata::Categorical{{-1, -1, -1, -1}, {}, false});
  const auto data = WriteAndLoad(file);
  ASSERT_OK(data);
  EXPECT_EQ(data->cell_types, std::vector<std::string>{"cell"});
}

TEST(LoadDatasetTest, OneConditionIsOneHoweverItIsSpelled) {
  anndata::AnnData file = TwoGeneFile();
  file.obs.Set("condition", std::vector<std::string>{" ctrl", "ctrl+G0", "G0+ctrl ", "G0 + ctrl"});
  auto data = WriteAndLoad(file);
  ASSERT_OK(data);
  ASSERT_EQ(data->conditions.size(), 2u);
  EXPECT_TRUE(data->conditions[0].control);
  EXPECT_EQ(data->conditions[0].name, "ctrl");
  EXPECT_EQ(data->conditions[1].genes, std::vector<std::string>{"G0"});
  EXPECT_EQ(data->conditions[1].name, "G0 + ctrl") << "the first of equally frequent spellings";
  file.obs.Set("condition", std::vector<std::string>{"ctrl", "G1+G0", "G0+G1+G0", "ctrl+ctrl"});
  data = WriteAndLoad(file);
  ASSERT_OK(data);
  EXPECT_EQ(data->condition, (std::vector<int32_t>{0, 1, 1, 0}));
  EXPECT_EQ(data->conditions[1].genes, (std::vector<std::string>{"G0", "G1"}));
  EXPECT_EQ(data->conditions[1].Identity(), "G0+G1");
}

TEST(LoadDatasetTest, NamesOfTheFieldAreTakenForControlsOrOffered) {
  anndata::AnnData file = TwoGeneFile();
  const auto label = [&file](std::vector<std::string> labels) {
    file.obs.Set("condition", std::move(labels));
  };
  std::vector<std::string> warnings;
  anndata::SetWarningHandler([&](const std::string& warning) { warnings.push_back(warning); });
  label({"non-targeting", "G0", "NT-2", "G0+non-targeting"});
  const auto data = WriteAndLoad(file);
  ASSERT_OK(data);
  EXPECT_EQ(data->condition, (std::vector<int32_t>{0, 1, 0, 1}));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("'NT-2', 'non-targeting'"), std::string::npos) << warnings[0];
  anndata::SetWarningHandler(nullptr);
  label({"DMSO", "G0", "untreated", "G0"});
  ExpectRefused(file, "control=DMSO,untreated");
  LoadOptions options;
  options.control = "untreated, DMSO";
  const auto both = WriteAndLoad(file, options);
  ASSERT_OK(both);
  EXPECT_EQ(both->condition, (std::vector<int32_t>{0, 1, 0, 1}));
  label({"resting", "G0", "resting", "G0"});
  ExpectRefused(file, "found 'G0' (2 cells), 'resting' (2 cells)");
  file.obs.Set("perturbation", std::vector<std::string>{"ctrl", "G0", "ctrl", "G0"});
  ExpectRefused(file, "or --set condition_column=perturbation");
}

TEST(LoadDatasetTest, ColumnsThatLookLikeTheWantedOneAreNamed) {
  anndata::AnnData file = TwoGeneFile();
  file.obs.columns[0].first = "guide_identity";
  ExpectRefused(file, "use --set condition_column=guide_identity");
  file = TwoGeneFile();
  file.obs.columns[1].first = "Cell Type";
  ExpectRefused(file,
                "use --set cell_type_column='Cell Type', or --set cell_type_column= for none");
  LoadOptions options;
  options.cell_type_column = "";
  EXPECT_EQ(WriteAndLoad(file, options)->cell_types, std::vector<std::string>{"cell"});
  options.cell_type_column = "Cell Type";
  EXPECT_EQ(WriteAndLoad(file, options)->cell_types.size(), 2u);
  for (const char* name : {"predicted.celltype.l2", "Celltype (major)", "cell_line_ontology_id"}) {
    file = TwoGeneFile();
    file.obs.columns[1].first = name;
    ExpectRefused(file, absl::StrCat("its column '", name, "' would be ignored"));
  }
  file.obs.columns[1] = {"celltype_score", std::vector<double>{0.5, 0.5, 1, 1}};
  EXPECT_OK(WriteAndLoad(file));  // a number is no label
  file = TwoGeneFile();
  file.obs.Set("canonical_smiles", std::vector<std::string>{"", "CCO", "", "CCO"});
  ExpectRefused(file, "use --set smiles_column=canonical_smiles");
}

TEST(LoadDatasetTest, LogarithmsToAnotherBaseBecomeNaturalOnes) {
  anndata::AnnData file = TwoGeneFile();
  for (float& value : std::get<CsrMatrix>(file.x).values) value = std::log2(1 + value);
  file.uns["log1p"] = {{"base", 2.0}};
  file.layers["mine"] = file.x;
  auto data = WriteAndLoad(file);
  ASSERT_OK(data);
  EXPECT_EQ(data->kind, MatrixKind::kLog1p);
  EXPECT_NEAR(ToDense(data->values).values[0], std::log(4.0f), 1e-6);
  LoadOptions options;
  options.layer = "mine";
  data = WriteAndLoad(file, options);
  ASSERT_OK(data);
  EXPECT_NEAR(ToDense(data->values).values[0], 2.0f, 1e-6) << "uns speaks of X alone";
  file.uns["log1p"] = {{"base", 0.5}};
  ExpectRefused(file, "uns/log1p/base: found 0.5");
}

TEST(LoadDatasetTest, CellsOfOneNameAreToldApartByTheirRows) {
  anndata::AnnData file = TwoGeneFile();
  file.obs.index = {"AAAC-1", "AAAC-1", "AAAC-1", "AAAC-2"};
  const auto data = WriteAndLoad(file);
  ASSERT_OK(data);
  EXPECT_EQ(data->n_cells(), 4);
  EXPECT_EQ(data->conditions[data->condition[1]].name, "G0+ctrl");
  EXPECT_EQ(ToDense(data->values).values, (std::vector<float>{3, 0, 1, 2, 0, 5, 4, 4}));
}

TEST(LoadDatasetTest, RefusesAFileOfOneCell) {
  anndata::AnnData file;
  file.x = Values({1, 2});
  file.obs.index = {"only"};
  file.var.index = {"G0", "G1"};
  file.obs.Set("condition", std::vector<std::string>{"ctrl"});
  ExpectRefused(file, "found 1 cell(s)");
}

TEST(MatrixKindTest, FindsOutCountsAndLogarithms) {
  EXPECT_EQ(*DecideMatrixKind(Values({1, 0, 7000}), "auto", false), MatrixKind::kCounts);
  EXPECT_EQ(*DecideMatrixKind(Values({1.5f, 0, 3.2f}), "auto", false), MatrixKind::kLog1p);
  // scanpy's mark stays behind where counts are put back into X: values decide, the mark only where
  // there are none.
  EXPECT_EQ(*DecideMatrixKind(Values({1, 2, 3}), "auto", true), MatrixKind::kCounts);
  EXPECT_EQ(*DecideMatrixKind(Values({0, 0}), "auto", true), MatrixKind::kLog1p);
  EXPECT_EQ(*DecideMatrixKind(Values({0, 0}), "auto", false), MatrixKind::kCounts);
  // Corrected counts may be declared; logarithms may not.
  EXPECT_EQ(*DecideMatrixKind(Values({1.5f, 700.2f}), "counts", false), MatrixKind::kCounts);
  EXPECT_FALSE(DecideMatrixKind(Values({1.5f, 3.2f}), "counts", true).ok());
  EXPECT_FALSE(DecideMatrixKind(Values({1.5f, 700.2f}), "auto", false).ok());
  EXPECT_FALSE(DecideMatrixKind(Values({1, 2}), "tpm", false).ok());
}

TEST(DoseTest, ConvertsUnitsAndRefusesTheRest) {
  EXPECT_DOUBLE_EQ(*ParseDose("0.2uM"), 0.2);
  EXPECT_DOUBLE_EQ(*ParseDose("200 nM"), 0.2);
  EXPECT_DOUBLE_EQ(*ParseDose("1e-3mM"), 1.0);
  EXPECT_DOUBLE_EQ(*ParseDose("3 \u00b5M"), 3.0);
  for (const char* bad : {"", "uM", "3", "3 mg", "-1uM", "0uM", "nanuM", "1e999uM"}) {
    EXPECT_EQ(ParseDose(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace unlasting::cells
