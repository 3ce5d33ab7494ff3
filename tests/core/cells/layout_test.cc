#include "core/cells/layout.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/cells/split.h"
#include "tests/support/files.h"

namespace unlasting::cells {
namespace {

// Small files with the columns of the publishers, written by Python's anndata.
class LayoutTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::TempFolder;
    const std::string command =
        "/usr/bin/python3 tests/core/anndata/make_fixtures.py " + folder_->path().string();
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  static void TearDownTestSuite() { delete folder_; }

  static absl::StatusOr<Dataset> Load(const std::string& name, const LoadOptions& options = {}) {
    return LoadDataset(folder_->At("layout_" + name + ".h5ad"), options);
  }
  static void ExpectRefused(const std::string& name, const LoadOptions& options,
                            const std::string& words) {
    const auto loaded = Load(name, options);
    ASSERT_FALSE(loaded.ok()) << words;
    EXPECT_NE(loaded.status().message().find(words), absl::string_view::npos) << loaded.status();
  }

  static test::TempFolder* folder_;
};
test::TempFolder* LayoutTest::folder_ = nullptr;

using Names = std::vector<std::string>;

TEST_F(LayoutTest, GearsNamesGenesBySymbolAndKnockoutsByCondition) {
  const auto data = Load("gears");
  ASSERT_OK(data);
  EXPECT_EQ(data->layout, "gears");
  EXPECT_EQ(data->kind, MatrixKind::kLog1p);
  EXPECT_EQ(data->gene_symbols.at("ENSG00000000003"), "G2");
  ASSERT_EQ(data->conditions.size(), 3u);
  EXPECT_TRUE(data->conditions[0].control);
  EXPECT_EQ(data->conditions[1].genes, Names{"G0"});
  EXPECT_EQ(data->conditions[2].genes, (Names{"G0", "G2"}));
  EXPECT_EQ(data->cell_types, Names{"K562"});
}

TEST_F(LayoutTest, ScPerturbPairsAreToldFromConstructNames) {
  const auto data = Load("scperturb");
  ASSERT_OK(data);
  EXPECT_EQ(data->layout, "scperturb");
  ASSERT_EQ(data->conditions.size(), 4u);
  EXPECT_EQ(data->conditions[0].name, "control");
  EXPECT_TRUE(data->conditions[0].control);
  EXPECT_EQ(data->conditions[1].genes, Names{"G0"});
  EXPECT_EQ(data->conditions[2].name, "G1+G2");
  EXPECT_EQ(data->conditions[3].genes, Names{"G1"});
  EXPECT_EQ(data->cell_types, Names{"T cell"});
}

TEST_F(LayoutTest, ScPerturbDrugsTakeTheirSmilesFromATable) {
  LoadOptions options;
  ExpectRefused("scperturb_drugs", options, "no SMILES for the drug 'aspirin'");
  options.molecules = folder_->At("molecules.tsv");
  std::ofstream(options.molecules) << "drug\tpathway\tSMILES\r\naspirin\tCOX\tCC(=O)O\r\n";
  const auto data = Load("scperturb_drugs", options);
  ASSERT_OK(data);
  // 0.2 uM and 200 nM are one dose.
  ASSERT_EQ(data->conditions.size(), 2u);
  EXPECT_DOUBLE_EQ(data->conditions[1].dose_um, 0.2);
  EXPECT_EQ(data->conditions[1].smiles, "CC(=O)O");
  std::ofstream(options.molecules) << "name\tstructure\n";
  ExpectRefused("scperturb_drugs", options, "expected drug and SMILES");
  options.molecules = folder_->At("absent.tsv");
  ExpectRefused("scperturb_drugs", options, "absent.tsv");
}

TEST_F(LayoutTest, ChemCpaDosesAreNanomolarAndItsSplitColumnsAreTaken) {
  LoadOptions options;
  options.split_column = "split_ood_finetuning";
  const auto data = Load("chemcpa", options);
  ASSERT_OK(data);
  EXPECT_EQ(data->layout, "chemcpa");
  ASSERT_EQ(data->conditions.size(), 3u);
  EXPECT_TRUE(data->conditions[0].control);
  EXPECT_DOUBLE_EQ(data->conditions[1].dose_um, 0.01);
  EXPECT_DOUBLE_EQ(data->conditions[2].dose_um, 10.0);
  EXPECT_EQ(data->gene_symbols.at("ENSG00000000001"), "G0");
  const auto split = MakeSplit(*data, SplitOptions());
  ASSERT_OK(split);
  EXPECT_EQ(split->test, (std::vector<bool>{false, false, true, true}));
  EXPECT_EQ(split->record["kind"], "column");
}

TEST_F(LayoutTest, AUnitThatNothingSaysIsAskedFor) {
  LoadOptions options;
  // A column that the user names is not replaced.
  options.dose_column = "control";
  ExpectRefused("chemcpa", options, "found no unit");
  options.dose_unit = "parsecs";
  options.dose_column = "dose";
  ExpectRefused("chemcpa", options, "found 'parsecs'");
}

TEST_F(LayoutTest, BadLayoutsAndLabelsAreNamed) {
  LoadOptions options;
  options.layout = "geras";
  ExpectRefused("gears", options, "layout: found 'geras'");
  options = LoadOptions();
  options.split_column = "split_random";
  ExpectRefused("chemcpa", options, "obs has no column 'split_random'");
  options.split_column = "cell_type";
  const auto data = Load("chemcpa", options);
  ASSERT_OK(data);
  const auto split = MakeSplit(*data, SplitOptions());
  EXPECT_NE(split.status().message().find("labels 'A549'"), absl::string_view::npos);
}

TEST(ScPerturbGenesTest, CountDecidesThenMeasuredNames) {
  const Names measured = {"A", "B", "NKX2_1"};
  EXPECT_EQ(ScPerturbGenes("A_B", 2, measured), (Names{"A", "B"}));
  EXPECT_EQ(ScPerturbGenes("A+B", 0, measured), (Names{"A", "B"}));
  EXPECT_EQ(ScPerturbGenes("NKX2_1", 1, measured), Names{"NKX2_1"});
  EXPECT_EQ(ScPerturbGenes("A_pDS258", 1, measured), Names{"A"});
  EXPECT_EQ(ScPerturbGenes("X_pDS258", 1, measured), Names{"X_pDS258"});
  EXPECT_EQ(ScPerturbGenes("A_B_C", 2, measured), Names{"A"});
}

}  // namespace
}  // namespace unlasting::cells
