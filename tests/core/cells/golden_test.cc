// Normalisation, gene selection and co-expression against scanpy's and scipy's numbers.
#include <algorithm>
#include <numeric>
#include <set>

#include "core/cells/dataset.h"
#include "core/cells/normalise.h"
#include "core/cells/row_source.h"
#include "core/cells/survey.h"
#include "core/grn/graph.h"
#include "tests/support/files.h"

namespace unlasting::cells {
namespace {

struct GoldenCase {
  const char* data;
  const char* numbers;
};

class GoldenTest : public ::testing::TestWithParam<GoldenCase> {
 protected:
  void SetUp() override {
    auto loaded = LoadDataset(GetParam().data, LoadOptions());
    ASSERT_OK(loaded);
    data_ = *std::move(loaded);
    golden_ = test::ReadJson(GetParam().numbers);
  }
  void Normalise() {
    NormaliseLog1p(RowSums(data_.values), golden_["tools"]["normalize_total_target"],
                   &data_.values);
  }

  Dataset data_;
  nlohmann::json golden_;
};

TEST_P(GoldenTest, MedianLibrarySizeIsScanpysTargetSum) {
  const auto sums = RowSums(data_.values);
  const auto expected = golden_["normalize_total_median"]["norm_factor_first_20"];
  ASSERT_EQ(expected.size(), 20u);
  for (size_t k = 0; k < expected.size(); ++k) EXPECT_NEAR(sums[k], expected[k], 1e-9);
  const double after = golden_["normalize_total_median"]["row_sum_after"];
  EXPECT_NEAR(MedianLibrarySize(sums, {}) / after, 1.0, 1e-5);
}

TEST_P(GoldenTest, Log1pSumsEqualScanpys) {
  Normalise();
  const auto sums = RowSums(data_.values);
  const auto expected = golden_["log1p"]["first_20_cell_sums"];
  ASSERT_EQ(expected.size(), 20u);
  for (size_t k = 0; k < expected.size(); ++k) {
    EXPECT_NEAR(sums[k] / expected[k].get<double>(), 1.0, 1e-5) << k;
  }
  EXPECT_NEAR(
      std::accumulate(sums.begin(), sums.end(), 0.0) / golden_["log1p"]["total"].get<double>(), 1.0,
      1e-5);
}

TEST_P(GoldenTest, HighlyVariableGenesAreScanpys) {
  Normalise();
  const GeneDispersion dispersion = SeuratDispersion(data_.values);
  const auto golden = golden_["hvg_seurat"];
  ASSERT_EQ(golden["means_first_20"].size(), 20u);
  for (size_t k = 0; k < golden["means_first_20"].size(); ++k) {
    EXPECT_NEAR(dispersion.mean[k] / golden["means_first_20"][k].get<double>(), 1.0, 1e-5) << k;
    EXPECT_NEAR(dispersion.normalised[k], golden["dispersions_norm_first_20"][k].get<double>(),
                1e-4)
        << k;
  }
  std::set<std::string> found;
  for (const int64_t g : HighlyVariableGenes(dispersion, golden["n_top_genes"])) {
    found.insert(data_.genes[g]);
  }
  EXPECT_EQ(found, golden["genes"].get<std::set<std::string>>());
}

TEST_P(GoldenTest, SeuratV3GenesAreScanpysButForTheLoess) {
  const std::string path = GetParam().data;
  const size_t name = path.rfind('/') + 1;
  const auto golden =
      test::ReadJson("tests/golden/seurat_v3.json")[path.substr(name, path.rfind('.') - name)];
  MemoryRows rows(data_.values);
  const auto survey = SurveyRows(&rows, {});
  ASSERT_OK(survey);
  const SeuratV3Model model = FitSeuratV3(survey->raw);
  const auto clipped = ClippedMoments(&rows, {}, model.clip);
  ASSERT_OK(clipped);
  const auto variance = SeuratV3Variance(model, *clipped);
  // The original interpolates between some twenty points: up to 8 % off its own direct fit here.
  for (size_t k = 0; k < 20; ++k) {
    EXPECT_NEAR(variance[k] / golden["variances_norm_first_20"][k].get<double>(), 1.0, 0.1) << k;
  }
  const auto expected = golden["genes"].get<std::set<std::string>>();
  int64_t shared = 0;
  for (const int64_t g : LargestVariance(variance, golden["n_top_genes"])) {
    shared += expected.count(data_.genes[g]);
  }
  EXPECT_GE(shared, 98);
}

TEST_P(GoldenTest, CoExpressionEdgesEqualNumpys) {
  Normalise();
  std::vector<int64_t> controls;
  for (int64_t cell = 0; cell < data_.n_cells(); ++cell) {
    if (data_.conditions[data_.condition[cell]].control) controls.push_back(cell);
  }
  const auto golden = golden_["co_expression"];
  const auto edges =
      grn::CoExpressionEdges(SelectRows(data_.values, controls), golden["threshold"]);
  // Every undirected edge comes in both directions.
  EXPECT_EQ(edges.size(), 2 * golden["edges_undirected_without_self_loops"].get<size_t>());
  for (const auto& expected : golden["first_20_edges"]) {
    const auto index = [&](const std::string& gene) {
      return static_cast<int32_t>(std::find(data_.genes.begin(), data_.genes.end(), gene) -
                                  data_.genes.begin());
    };
    const int32_t a = index(expected[0]), b = index(expected[1]);
    const auto edge = std::find_if(edges.begin(), edges.end(), [&](const grn::Edge& e) {
      return e.source == a && e.target == b;
    });
    ASSERT_NE(edge, edges.end()) << expected;
    EXPECT_NEAR(edge->strength, std::abs(expected[2].get<double>()), 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, GoldenTest,
    ::testing::Values(GoldenCase{"tests/data/golden/papalexi2021_eccite_thp1_303g.h5ad",
                                 "tests/golden/papalexi2021_eccite_thp1_303g.json"},
                      GoldenCase{"tests/data/golden/zhao2021_glioblastoma_panobinostat_300g.h5ad",
                                 "tests/golden/zhao2021_glioblastoma_panobinostat_300g.json"}),
    [](const auto& info) {
      return std::string(info.param.data).find("zhao") != std::string::npos ? "Zhao" : "Papalexi";
    });

}  // namespace
}  // namespace unlasting::cells
