// `metrics --json` on published cells against what scanpy and scipy compute.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "core/anndata/writer.h"
#include "core/base/file.h"
#include "core/cells/normalise.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "trainer/commands/metrics_command.h"

namespace unlasting::trainer {
namespace {

using nlohmann::json;

constexpr int64_t kAll = 1'000'000;

struct Case {
  std::string file;
  std::string condition;
  int64_t n_true;  // cells of the golden distances: the first of the condition
};

class MetricsGoldenTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::replace(name.begin(), name.end(), '/', '_');
    folder_ = std::filesystem::path(::testing::TempDir()) / ("metrics_golden_" + name);
    std::filesystem::create_directories(folder_);
    golden_ = json::parse(*ReadFile("tests/golden/" + GetParam().file + ".json"));
    auto data = cells::LoadDataset("tests/data/golden/" + GetParam().file + ".h5ad", {});
    ASSERT_TRUE(data.ok()) << data.status();
    data_ = *std::move(data);
    // The golden numbers are over a condition, whatever the cells' types.
    data_.cell_types = {"all"};
    data_.cell_type.assign(data_.cell_type.size(), 0);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string At(const char* name) const { return (folder_ / name).string(); }

  // At most that many cells of each condition, in the file's order; of no other condition.
  cells::Dataset FirstOf(std::map<std::string, int64_t> left) const {
    std::vector<int64_t> chosen;
    for (int64_t cell = 0; cell < data_.n_cells(); ++cell) {
      if (left[data_.conditions[data_.condition[cell]].name]-- > 0) chosen.push_back(cell);
    }
    return cells::SelectCells(data_, chosen);
  }

  // Scores the first 500 control cells as if they were a prediction of the condition.
  json ScoreControls(int64_t n_true) {
    const cells::Dataset truth = FirstOf({{GetParam().condition, n_true}, {"ctrl", kAll}});
    cells::Dataset predicted = FirstOf({{"ctrl", 500}});
    const auto same = std::find_if(
        truth.conditions.begin(), truth.conditions.end(),
        [](const cells::Condition& condition) { return condition.name == GetParam().condition; });
    predicted.conditions = {*same};
    predicted.condition.assign(predicted.condition.size(), 0);
    cells::NormaliseLog1p(cells::RowSums(predicted.values), 1e4, &predicted.values);
    predicted.kind = cells::MatrixKind::kLog1p;
    EXPECT_TRUE(anndata::WriteAnnData(cells::ToAnnData(truth), At("t.h5ad")).ok());
    EXPECT_TRUE(anndata::WriteAnnData(cells::ToAnnData(predicted), At("p.h5ad")).ok());
    MetricsOptions options;
    options.predicted = At("p.h5ad");
    options.truth = options.control = At("t.h5ad");
    options.target_sum = 1e4;
    options.threads = 2;
    options.scoring.resamples = 0;
    options.json = true;
    std::ostringstream out, err;
    const absl::Status status = RunMetrics(options, out, err);
    EXPECT_TRUE(status.ok()) << status;
    return status.ok() ? json::parse(out.str())["groups"][0] : json();
  }

  std::filesystem::path folder_;
  json golden_;
  cells::Dataset data_;
};

TEST_P(MetricsGoldenTest, DistancesAreThoseOfScanpyAndScipy) {
  const json group = ScoreControls(GetParam().n_true);
  const json& expected = golden_["distances"];
  const auto expect = [&](const std::string& score, double value) {
    EXPECT_NEAR(group["scores"][score].get<double>(), value, 1e-6 * value) << score;
  };
  // The golden DE sets are of all cells of the condition: the same where those are what is scored.
  const bool all_cells = FirstOf({{GetParam().condition, kAll}}).n_cells() == GetParam().n_true;
  for (const std::string set : {"all", "de20", "de40"}) {
    if (set != "all" && !all_cells) continue;
    const json& e_distance = expected["e_distance_" + set];
    expect("e_distance.paper." + set, e_distance["paper_eq3"]);
    expect("e_distance.unbiased." + set, e_distance["unbiased"]);
    expect("e_distance.released." + set, e_distance["unbiased_sqrt"]);
    expect("e_distance.squared." + set, e_distance["squared_euclidean_unbiased"]);
    expect("emd." + set, expected["emd_" + set]);
  }
}

TEST_P(MetricsGoldenTest, MostChangedGenesAndTheirTestAreScanpys) {
  const json group = ScoreControls(kAll);
  std::map<std::string, json> expected;
  std::vector<std::pair<double, std::string>> ranked;
  for (const json& row : golden_["rank_genes_groups"]["t-test"]) {
    expected[row["gene"]] = row;
    ranked.emplace_back(-std::abs(row["score"].get<double>()), row["gene"]);
  }
  ASSERT_GE(ranked.size(), 40u);
  std::sort(ranked.begin(), ranked.end());
  const json& found = group["most_changed"];
  ASSERT_EQ(found.size(), 40u);
  for (const size_t count : {20u, 40u}) {
    std::set<std::string> golden_set, set;
    for (size_t k = 0; k < count; ++k) {
      golden_set.insert(ranked[k].second);
      set.insert(found[k]["gene"]);
    }
    EXPECT_EQ(set, golden_set) << count;
  }
  for (const json& gene : found) {
    const std::string name = gene["gene"];
    const auto expect = [&](const char* key, const char* golden_key, double tolerance) {
      const double value = expected.at(name)[golden_key];
      EXPECT_NEAR(gene[key].get<double>(), value, tolerance * std::abs(value))
          << name << " " << key;
    };
    expect("score", "score", 1e-6);
    expect("log2_fold_change", "lfc", 1e-5);
    expect("p_value", "p", 1e-6);
    expect("p_adjusted", "p_adj", 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Published, MetricsGoldenTest,
    ::testing::Values(Case{"papalexi2021_eccite_thp1_303g", "STAT1+ctrl", 325},
                      Case{"zhao2021_glioblastoma_panobinostat_300g", "Panobinostat", 400}),
    [](const auto& info) { return info.param.file.substr(0, info.param.file.find('_')); });

}  // namespace
}  // namespace unlasting::trainer
