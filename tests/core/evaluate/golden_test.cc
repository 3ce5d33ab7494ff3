// Agreement with scanpy and scipy on published data.
#include <algorithm>
#include <set>

#include "core/evaluate/differential_expression.h"
#include "core/evaluate/distances.h"
#include "gtest/gtest.h"
#include "tests/core/evaluate/golden_data.h"

namespace unlasting::evaluate {
namespace {

using nlohmann::json;

struct Case {
  std::string file;
  std::string condition;
  int64_t n_true;  // cells of the distances
};

void ExpectRelative(double found, double expected, double tolerance, const std::string& what) {
  EXPECT_NEAR(found, expected, tolerance * std::abs(expected)) << what;
}

class GoldenTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    data_ = unlasting::testing::LoadGolden(GetParam().file);
    all_true_ = data_.Cells(GetParam().condition);
    all_control_ = data_.Cells("ctrl");
  }

  int64_t Column(const std::string& gene) const {
    const auto& genes = data_.cells.genes;
    return std::find(genes.begin(), genes.end(), gene) - genes.begin();
  }

  void CheckRanking(evaluate::Test test, const std::string& name) const {
    const DifferentialExpression de = RankGenes(all_true_, all_control_, test);
    const json& rows = data_.golden["rank_genes_groups"][name];
    ASSERT_FALSE(rows.empty()) << name;
    for (const json& row : rows) {
      const std::string gene = row["gene"];
      const int64_t g = Column(gene);
      ExpectRelative(de.score[g], row["score"], 1e-6, gene + " score");
      ExpectRelative(de.log2_fold_change[g], row["lfc"], 1e-5, gene + " lfc");
      ExpectRelative(de.p_value[g], row["p"], 1e-6, gene + " p");
      ExpectRelative(de.p_adjusted[g], row["p_adj"], 1e-6, gene + " p_adj");
    }
  }

  unlasting::testing::GoldenData data_;
  DenseMatrix all_true_;
  DenseMatrix all_control_;
};

TEST_P(GoldenTest, WelchTestAgreesWithScanpy) { CheckRanking(evaluate::Test::kWelch, "t-test"); }

TEST_P(GoldenTest, OverestimatedVarianceTestAgreesWithScanpy) {
  CheckRanking(evaluate::Test::kOverestimateVar, "t-test_overestim_var");
}

TEST_P(GoldenTest, WilcoxonTestAgreesWithScanpy) {
  CheckRanking(evaluate::Test::kWilcoxon, "wilcoxon");
}

TEST_P(GoldenTest, TopGenesAreScanpysTopGenes) {
  // The golden table lists the most changed genes, best first.
  const json& rows = data_.golden["rank_genes_groups"]["t-test"];
  std::vector<std::pair<double, std::string>> ranked;
  for (const json& row : rows)
    ranked.emplace_back(-std::abs(row["score"].get<double>()), row["gene"]);
  ASSERT_GE(ranked.size(), 40u);
  std::sort(ranked.begin(), ranked.end());
  for (const int count : {20, 40}) {
    std::set<std::string> expected, found;
    for (int k = 0; k < count; ++k) expected.insert(ranked[k].second);
    for (const int64_t g : TopGenes(RankGenes(all_true_, all_control_), count)) {
      found.insert(data_.cells.genes[g]);
    }
    EXPECT_EQ(found, expected) << count;
  }
}

TEST_P(GoldenTest, DistancesAgree) {
  const json& golden = data_.golden["distances"];
  const DenseMatrix x = data_.Cells(GetParam().condition, GetParam().n_true);
  const DenseMatrix y = data_.Cells("ctrl", 500);
  const DifferentialExpression de = RankGenes(all_true_, all_control_);
  for (const std::string set : {"all", "de20", "de40"}) {
    const bool all = set == "all";
    const std::vector<int64_t> columns = TopGenes(de, set == "de20" ? 20 : 40);
    const DenseMatrix xs = all ? x : SelectColumns(x, columns);
    const DenseMatrix ys = all ? y : SelectColumns(y, columns);
    const EDistances e = EDistance(xs, ys, 2);
    const json& expected = golden["e_distance_" + set];
    ExpectRelative(e.paper, expected["paper_eq3"], 1e-6, set + " paper");
    ExpectRelative(e.unbiased, expected["unbiased"], 1e-6, set + " unbiased");
    ExpectRelative(e.released, expected["unbiased_sqrt"], 1e-6, set + " released");
    ExpectRelative(e.squared, expected["squared_euclidean_unbiased"], 1e-6, set + " squared");
    ExpectRelative(Emd(xs, ys, 2), golden["emd_" + set], 1e-6, set + " emd");
  }
  const std::vector<double> emd = EmdPerGene(x, y, 2);
  for (int g = 0; g < 20; ++g) {
    ExpectRelative(emd[g], golden["emd_first_20_genes"][g], 1e-6, data_.cells.genes[g]);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Published, GoldenTest,
    ::testing::Values(Case{"papalexi2021_eccite_thp1_303g", "STAT1+ctrl", 325},
                      Case{"zhao2021_glioblastoma_panobinostat_300g", "Panobinostat", 400}),
    [](const auto& info) { return info.param.file.substr(0, info.param.file.find('_')); });

}  // namespace
}  // namespace unlasting::evaluate
