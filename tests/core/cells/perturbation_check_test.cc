#include "core/cells/perturbation_check.h"

#include "absl/strings/str_join.h"
#include "core/anndata/warnings.h"
#include "core/anndata/writer.h"
#include "core/cells/split.h"
#include "tests/support/files.h"

namespace unlasting::cells {
namespace {

// A row of obs; three cells each.
struct Row {
  std::string condition;
  std::string smiles = {};
  double dose = 0;
  std::string hours = {};
};

class PerturbationCheckTest : public ::testing::Test {
 protected:
  PerturbationCheckTest() {
    anndata::SetWarningHandler(
        [this](const std::string& warning) { warnings_.push_back(warning); });
    options_.check_perturbations = true;
    // "*" before a SMILES stands for another spelling of it.
    options_.canonical_smiles = [](const std::string& smiles) -> absl::StatusOr<std::string> {
      if (smiles == "bad") return absl::InvalidArgumentError("cannot be parsed");
      return smiles[0] == '*' ? smiles.substr(1) : smiles;
    };
  }
  ~PerturbationCheckTest() override { anndata::SetWarningHandler(nullptr); }

  absl::StatusOr<Dataset> Load(const std::vector<Row>& rows,
                               const std::vector<std::string>& genes = {"STAT1", "JAK2", "ACTB"}) {
    anndata::AnnData data;
    std::vector<std::string> conditions, smiles, hours;
    std::vector<double> doses;
    bool any_smiles = false, any_hours = false;
    for (const Row& row : rows) {
      for (int k = 0; k < 3; ++k) {
        conditions.push_back(row.condition);
        smiles.push_back(row.smiles);
        doses.push_back(row.dose);
        hours.push_back(row.hours);
        data.obs.index.push_back("c" + std::to_string(conditions.size()));
      }
      any_smiles = any_smiles || !row.smiles.empty();
      any_hours = any_hours || !row.hours.empty();
    }
    DenseMatrix x(static_cast<int64_t>(conditions.size()), static_cast<int64_t>(genes.size()));
    for (size_t k = 0; k < x.values.size(); ++k) x.values[k] = static_cast<float>(k % 4);
    data.x = std::move(x);
    data.var.index = genes;
    data.obs.Set("condition", conditions);
    if (any_smiles) data.obs.Set("SMILES", smiles);
    data.obs.Set("dose_val", doses);
    if (any_hours) data.obs.Set("hours", hours);
    EXPECT_OK(anndata::WriteAnnData(data, folder_.At("data.h5ad")));
    return LoadDataset(folder_.At("data.h5ad"), options_);
  }
  void ExpectRefused(const std::vector<Row>& rows, const std::vector<std::string>& words) {
    const auto loaded = Load(rows);
    ASSERT_FALSE(loaded.ok()) << words[0];
    for (const auto& word : words) {
      EXPECT_NE(loaded.status().message().find(word), std::string::npos) << loaded.status();
    }
  }
  void ExpectWarning(const std::string& words) {
    EXPECT_NE(absl::StrJoin(warnings_, "\n").find(words), std::string::npos)
        << words << " not in: " << absl::StrJoin(warnings_, "\n");
  }

  test::TempFolder folder_;
  LoadOptions options_;
  std::vector<std::string> warnings_;
};

TEST_F(PerturbationCheckTest, ADrugWithoutStructureIsNoGene) {
  ExpectRefused({{"ctrl"}, {"aspirin", "CCO", 1}, {"mysterin", "", 1}},
                {"mysterin", "no structure", "treatments", "SMILES"});
  // Also where no drug has one, and where the drug is called as a measured gene is.
  ExpectRefused({{"ctrl"}, {"mysterin", "", 1}}, {"mysterin"});
  ExpectRefused({{"ctrl"}, {"aspirin", "CCO", 1}, {"STAT1", "", 1}}, {"STAT1"});
  EXPECT_OK(Load({{"ctrl"}, {"aspirin", "CCO", 1}, {"STAT1+ctrl"}}));
  EXPECT_TRUE(warnings_.empty()) << absl::StrJoin(warnings_, "\n");
}

TEST_F(PerturbationCheckTest, OneNameHasOneStructure) {
  ExpectRefused({{"ctrl"}, {"aspirin", "CCO", 1}, {"aspirin", "CCN", 1}},
                {"'aspirin' has 2 structures", "'CCN' (3 cells)", "'CCO' (3 cells)"});
  ExpectRefused({{"ctrl"}, {"aspirin", "bad", 1}}, {"aspirin", "cannot be parsed"});
  EXPECT_OK(Load({{"ctrl"}, {"aspirin", "CCO", 1}, {"aspirin", "*CCO", 10}}));
}

TEST_F(PerturbationCheckTest, MissingStructuresAreThoseOfTheNamesOtherCells) {
  const auto data = Load({{"ctrl"}, {"aspirin", "CCO", 1}, {"aspirin", "", 1}});
  ASSERT_OK(data);
  ASSERT_EQ(data->conditions.size(), 2u);
  EXPECT_EQ(data->conditions[1].smiles, "CCO");
  ExpectWarning("3 cells of the drug 'aspirin' have no structure");
}

TEST_F(PerturbationCheckTest, OneStructureIsOneDrugUnderTheNameOfMostCells) {
  const auto data = Load({{"ctrl"},
                          {"ASA", "*CCO", 1},
                          {"aspirin", "CCO", 1},
                          {"aspirin", "CCO", 10},
                          {"caffeine", "CN", 1}});
  ASSERT_OK(data);
  ASSERT_EQ(data->conditions.size(), 4u) << "control, aspirin at two doses, caffeine";
  EXPECT_EQ(data->conditions[data->condition[3]].name, "aspirin");
  EXPECT_EQ(data->condition[3], data->condition[6]) << "both at 1 uM";
  ExpectWarning("'aspirin' and 'ASA' have one structure");
  // A split of drugs holds out the structure.
  SplitOptions split;
  split.kind = "drugs";
  split.hold_out = {"drug=aspirin"};
  EXPECT_EQ(MakeSplit(*data, split)->Cells(true).size(), 9u);
}

TEST_F(PerturbationCheckTest, ADrugAtDoseZeroIsAControl) {
  const auto data = Load({{"ctrl"}, {"aspirin", "CCO", 0}, {"aspirin", "CCO", 1}});
  ASSERT_OK(data);
  EXPECT_TRUE(data->conditions[data->condition[3]].control);
  ExpectWarning("3 cells of the drug 'aspirin' have dose 0 and are taken for control cells");
  ExpectRefused({{"ctrl"}, {"aspirin", "CCO", -1}}, {"drug 'aspirin', cell c4"});
}

TEST_F(PerturbationCheckTest, LabelsThatAreNoGenesAreNamedAndRefusedWhereTheyAreMost) {
  ExpectRefused(
      {{"ctrl"}, {"2i (LIF+MEKi+GSK3i)"}, {"Dox"}},
      {"2 of 2 perturbed labels name no gene", "'Dox'", "'2i (LIF+MEKi+GSK3i)'", "treatments"});
  EXPECT_OK(Load({{"ctrl"}, {"STAT1"}, {"JAK2"}, {"LPS"}}));
  ExpectWarning("'LPS' looks like no gene");
  EXPECT_OK(Load({{"ctrl"}, {"STAT1"}, {"IRF1"}}));
  ExpectWarning("1 perturbed gene is not measured and has no expression: 'IRF1'");
}

TEST_F(PerturbationCheckTest, LabelsWithAMeasuredGeneWithinAreNoGenesOfTheirOwn) {
  for (const std::string form : {"%s_KO", "%s_g1", "sg%s", "%s KO", "%s-OE"}) {
    std::vector<Row> rows = {{"ctrl"}};
    for (const char* gene : {"STAT1", "JAK2"}) {
      std::string label = form;
      rows.push_back({label.replace(label.find("%s"), 2, gene)});
    }
    ExpectRefused(rows, {"2 of 2 perturbed labels name no gene",
                         "is the knockout of what is measured as 'STAT1' write 'STAT1'"});
  }
  ExpectRefused({{"ctrl"}, {"stat1"}}, {"where 'stat1' is the knockout of what is measured"});
  ExpectRefused({{"ctrl"}, {"STAT1_JAK2"}}, {"write 'STAT1+JAK2'"});
  EXPECT_OK(Load({{"ctrl"}, {"STAT1-AS1"}}));
  ExpectWarning("is not measured and has no expression: 'STAT1-AS1'");
  EXPECT_OK(Load({{"ctrl"}, {"JAK2"}, {"ACTB"}, {"STAT1_KO"}}));
  ExpectWarning("'STAT1_KO' looks like no gene");
}

TEST_F(PerturbationCheckTest, GenesOfAPriorArePlausible) {
  options_.known_gene = [](const std::string& gene) { return gene == "hs:1234"; };
  EXPECT_OK(Load({{"ctrl"}, {"hs:1234"}}));
  ExpectRefused({{"ctrl"}, {"hs:1235"}}, {"hs:1235"});
}

TEST(LooksLikeGeneTest, KnowsHowGenesAreWritten) {
  for (const char* gene :
       {"STAT1", "HLA-A", "C1orf112", "RP11-783L4.1", "ENSG00000000003", "7SK"}) {
    EXPECT_TRUE(LooksLikeGene(gene, true)) << gene;
  }
  for (const char* gene : {"Stat1", "2310022B05Rik"})
    EXPECT_TRUE(LooksLikeGene(gene, false)) << gene;
  for (const char* odd :
       {"", "2i", "MEKi", "LPS", "IFN-beta", "a b", "x(y)", "37%", "123", "Dox"}) {
    EXPECT_FALSE(LooksLikeGene(odd, true)) << odd;
  }
}

TEST_F(PerturbationCheckTest, TreatmentsAreNeitherGenesNorDrugs) {
  options_.treatments = {"IFNB1", "2i (LIF+MEKi)"};
  options_.covariates = {"hours"};
  const auto data = Load({{"ctrl"},
                          {"IFNB1", "", 0, "6h"},
                          {"IFNB1", "", 0, "24h"},
                          {"2i (LIF+MEKi)", "", 0, "6h"},
                          {"STAT1", "", 0, ""}});
  ASSERT_OK(data);
  ASSERT_EQ(data->conditions.size(), 5u);
  EXPECT_TRUE(data->conditions[1].treatment);
  EXPECT_TRUE(data->conditions[1].genes.empty());
  EXPECT_EQ(data->conditions[1].covariates.at("hours"), 6);
  EXPECT_EQ(data->conditions[2].covariates.at("hours"), 24);
  EXPECT_NE(data->conditions[1].Key(), data->conditions[2].Key());
  EXPECT_EQ(data->covariate_units.at("hours"), "h");
  EXPECT_FALSE(data->conditions[4].treatment);
  // Written and read again, they are what they were.
  EXPECT_OK(anndata::WriteAnnData(ToAnnData(*data), folder_.At("again.h5ad")));
  LoadOptions again;
  again.treatment_column = "treatment";
  again.covariates = {"hours"};
  const auto read = LoadDataset(folder_.At("again.h5ad"), again);
  ASSERT_OK(read);
  EXPECT_EQ(read->conditions[2].Key(), data->conditions[2].Key());
  EXPECT_TRUE(read->conditions[3].treatment);
}

TEST_F(PerturbationCheckTest, TheConditionColumnMayHoldTreatmentsAlone) {
  options_.treatment_column = "condition";
  const auto data = Load({{"ctrl"}, {"stim"}, {"aspirin", "CCO", 1}});
  ASSERT_OK(data);
  EXPECT_TRUE(data->conditions[0].control);
  EXPECT_TRUE(data->conditions[1].treatment);
  EXPECT_TRUE(data->conditions[2].molecule());
}

TEST_F(PerturbationCheckTest, BadTreatmentsAndCovariatesAreRefused) {
  options_.treatments = {"IFNG"};
  ExpectRefused({{"ctrl"}, {"IFNB1"}}, {"has no label 'IFNG'; found IFNB1, ctrl"});
  options_.treatments = {"IFNB1"};
  options_.covariates = {"hours"};
  ExpectRefused({{"ctrl"}, {"IFNB1"}}, {"no column 'hours'"});
  ExpectRefused({{"ctrl", "", 0, "6"}, {"IFNB1", "", 0, "soon"}}, {"'soon'", "cell c4"});
  ExpectRefused({{"ctrl", "", 0, "6"}, {"IFNB1", "", 0, ""}}, {"'' for cell c4"});
  ExpectRefused({{"ctrl"}, {"IFNB1", "", 0, "6h"}, {"IFNB1", "", 0, "1d"}}, {"several units"});
}

TEST_F(PerturbationCheckTest, TimesThatAreNotAskedForAreWarnedOf) {
  options_.treatments = {"IFNB1"};
  EXPECT_OK(Load({{"ctrl"}, {"IFNB1", "", 0, "6"}, {"IFNB1", "", 0, "24"}}));
  ExpectWarning("cells of 'IFNB1' have 6 and 24 and are taken for one condition; --set");
}

}  // namespace
}  // namespace unlasting::cells
