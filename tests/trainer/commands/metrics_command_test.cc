#include "trainer/commands/metrics_command.h"

#include <cmath>
#include <filesystem>
#include <random>
#include <set>
#include <sstream>

#include "core/anndata/writer.h"
#include "core/base/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace unlasting::trainer {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

struct Cells {
  std::string condition;
  std::string cell_type;
  int64_t count;
  float level;  // of the mean counts, or of the log1p values
};

class MetricsCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        std::filesystem::path(::testing::TempDir()) / (std::string("metrics_") + info->name());
    std::filesystem::create_directories(folder_);
    options_.predicted = At("p.h5ad");
    options_.truth = At("t.h5ad");
    options_.control = At("t.h5ad");
    options_.threads = 2;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string At(const std::string& name) const { return (folder_ / name).string(); }

  // Counts where `counts`, else their log1p.
  void Write(const std::string& name, const std::vector<Cells>& groups,
             const std::vector<std::string>& genes, bool counts,
             const json& uns = json::object()) const {
    anndata::AnnData data;
    std::vector<std::string> conditions, cell_types;
    std::mt19937 random(7);
    std::vector<float> values;
    for (const Cells& cells : groups) {
      std::poisson_distribution<int> poisson(cells.level);
      for (int64_t k = 0; k < cells.count; ++k) {
        data.obs.index.push_back("c" + std::to_string(data.obs.index.size()));
        conditions.push_back(cells.condition);
        cell_types.push_back(cells.cell_type);
        for (size_t g = 0; g < genes.size(); ++g) {
          const auto count = static_cast<float>(poisson(random) + (g == 0 ? 1 : 0));
          values.push_back(counts ? count : std::log1p(count * 0.9f));
        }
      }
    }
    const auto n = static_cast<int64_t>(conditions.size());
    DenseMatrix x(n, static_cast<int64_t>(genes.size()));
    x.values = std::move(values);
    data.x = std::move(x);
    data.obs.Set("condition", std::move(conditions));
    data.obs.Set("cell_type", std::move(cell_types));
    data.var.index = genes;
    data.uns = uns;
    const absl::Status status = anndata::WriteAnnData(data, At(name));
    ASSERT_TRUE(status.ok()) << status;
  }

  void WriteUsual() const {
    Write("p.h5ad", {{"A+ctrl", "T", 12, 3}, {"B+ctrl", "T", 9, 1}}, {"g1", "g2", "g3"}, false);
    Write("t.h5ad", {{"A+ctrl", "T", 10, 3}, {"B+ctrl", "T", 8, 1}, {"ctrl", "T", 20, 2}},
          {"g3", "g1", "g2"}, true);
  }

  json RunJson() {
    options_.json = true;
    std::ostringstream out;
    err_.str("");
    const absl::Status status = RunMetrics(options_, out, err_);
    EXPECT_TRUE(status.ok()) << status;
    return status.ok() ? json::parse(out.str()) : json();
  }
  std::string ErrorOfRun() {
    std::ostringstream out;
    const absl::Status status = RunMetrics(options_, out, err_);
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(out.str(), "");
    return std::string(status.message());
  }

  std::filesystem::path folder_;
  MetricsOptions options_;
  std::ostringstream err_;
};

TEST_F(MetricsCommandTest, WritesTheJsonOfTheContract) {
  WriteUsual();
  const json card = RunJson();
  ASSERT_EQ(card["groups"].size(), 2u);
  const json& group = card["groups"][0];
  EXPECT_EQ(group["key"], (json{{"condition", "A+ctrl"}, {"cell_type", "T"}}));
  EXPECT_EQ(group["n_predicted"], 12);
  EXPECT_EQ(group["n_true"], 10);
  EXPECT_EQ(group["n_control"], 20);
  EXPECT_TRUE(group["scores"]["e_distance.unbiased.all"].is_number());
  EXPECT_TRUE(card["mean"]["emd.de20"].is_number());
  EXPECT_TRUE(card["baselines"].contains("no_change"));
  EXPECT_FALSE(card["baselines"].contains("mean_shift"));
}

TEST_F(MetricsCommandTest, APredictionEqualToTheTruthIsAtDistanceZeroWhateverTheGeneOrder) {
  Write("t.h5ad", {{"A+ctrl", "T", 10, 3}, {"ctrl", "T", 20, 2}}, {"g1", "g2", "g3"}, false);
  options_.predicted = At("t.h5ad");
  const json card = RunJson();
  EXPECT_NEAR(card["mean"]["e_distance.paper.all"].get<double>(), 0, 1e-12);
  EXPECT_EQ(card["mean"]["emd.all"], 0);
  EXPECT_EQ(err_.str(), "");
}

TEST_F(MetricsCommandTest, MatchesGenesByNameAndSaysWhichItDrops) {
  Write("t.h5ad", {{"A+ctrl", "T", 10, 3}, {"ctrl", "T", 20, 2}}, {"g3", "g1"}, false);
  Write("p.h5ad", {{"A+ctrl", "T", 10, 3}}, {"g1", "only_here", "g3"}, false);
  RunJson();
  EXPECT_THAT(err_.str(), HasSubstr("warning: 1 of 3 predicted genes left out"));
  EXPECT_THAT(err_.str(), HasSubstr("only_here"));
  Write("p.h5ad", {{"A+ctrl", "T", 10, 3}}, {"x", "y"}, false);
  EXPECT_THAT(ErrorOfRun(), HasSubstr("found no gene that"));
}

TEST_F(MetricsCommandTest, NormalisesCountsToTheSumThatThePredictionsName) {
  WriteUsual();
  RunJson();
  EXPECT_THAT(err_.str(), Not(HasSubstr("normalised to 123 ")));
  Write("p.h5ad", {{"A+ctrl", "T", 12, 3}}, {"g1", "g2", "g3"}, false,
        {{"unlasting", {{"target_sum", 123.0}}}});
  RunJson();
  EXPECT_THAT(err_.str(), HasSubstr("t.h5ad: counts, normalised to 123 a cell, then log1p\n"));
  options_.target_sum = 55;
  RunJson();
  EXPECT_THAT(err_.str(), HasSubstr("normalised to 55 a cell"));
}

TEST_F(MetricsCommandTest, TakesTheMeanShiftFromTheTrainingCells) {
  Write("t.h5ad", {{"A+ctrl", "T", 40, 6}, {"ctrl", "T", 40, 1}}, {"g1", "g2"}, false);
  Write("p.h5ad", {{"A+ctrl", "T", 40, 2}}, {"g1", "g2"}, false);
  // Of another cell type; the type without control cells cannot tell a shift.
  Write("train.h5ad", {{"A+ctrl", "U", 40, 6}, {"ctrl", "U", 40, 1}, {"A+ctrl", "V", 40, 50}},
        {"g1", "g2"}, false);
  options_.training = At("train.h5ad");
  const json card = RunJson();
  EXPECT_LT(card["baselines"]["mean_shift"]["e_distance.unbiased.all"].get<double>(),
            0.5 * card["baselines"]["no_change"]["e_distance.unbiased.all"].get<double>());
  EXPECT_THAT(card["verdict"].get<std::string>(), HasSubstr("does not beat mean shift"));
}

TEST_F(MetricsCommandTest, AddsTheShiftsOfSinglesForAPair) {
  Write("t.h5ad", {{"A+B", "T", 40, 7}, {"ctrl", "T", 40, 1}}, {"g1", "g2"}, false);
  Write("p.h5ad", {{"A+B", "T", 40, 2}}, {"g1", "g2"}, false);
  Write("train.h5ad", {{"A+ctrl", "T", 40, 3}, {"B+ctrl", "T", 40, 3}, {"ctrl", "T", 40, 1}},
        {"g1", "g2"}, false);
  options_.training = At("train.h5ad");
  const json card = RunJson();
  ASSERT_TRUE(card["baselines"].contains("additive"));
  EXPECT_LT(card["baselines"]["additive"]["e_distance.unbiased.all"].get<double>(),
            card["baselines"]["no_change"]["e_distance.unbiased.all"].get<double>());
  // Training never saw the pair: its mean shift is that of all perturbations.
  EXPECT_TRUE(card["baselines"].contains("mean_shift"));
  Write("train.h5ad", {{"A+ctrl", "T", 40, 3}, {"ctrl", "T", 40, 1}}, {"g1", "g2"}, false);
  EXPECT_FALSE(RunJson()["baselines"].contains("additive"));
}

TEST_F(MetricsCommandTest, RanksTheGenesOfTheDeSetsByTheTestAskedFor) {
  std::vector<std::string> genes;
  for (int g = 0; g < 60; ++g) genes.push_back("g" + std::to_string(g));
  Write("t.h5ad", {{"A+ctrl", "T", 15, 3}, {"ctrl", "T", 20, 2}}, genes, true);
  Write("p.h5ad", {{"A+ctrl", "T", 12, 3}}, genes, false);
  const json welch = RunJson();
  options_.scoring.test = evaluate::Test::kWilcoxon;
  const json wilcoxon = RunJson();
  EXPECT_EQ(welch["mean"]["emd.all"], wilcoxon["mean"]["emd.all"]);
  EXPECT_NE(welch["mean"]["emd.de20"], wilcoxon["mean"]["emd.de20"]);
}

TEST_F(MetricsCommandTest, ScoresOneCellAndLeavesUndefinedWhatItCannotSay) {
  Write("t.h5ad", {{"A+ctrl", "T", 1, 3}, {"ctrl", "T", 20, 2}}, {"g1", "g2"}, true);
  Write("p.h5ad", {{"A+ctrl", "T", 2, 3}}, {"g1", "g2"}, false);
  const json card = RunJson();
  EXPECT_EQ(card["groups"][0]["n_true"], 1);
  EXPECT_TRUE(card["mean"]["e_distance.paper.all"].is_number());
  EXPECT_TRUE(card["mean"]["e_distance.unbiased.all"].is_null());
  EXPECT_TRUE(card["mean"]["emd.de20"].is_null());
  EXPECT_TRUE(card["intervals"]["emd.all"].is_array());
}

TEST_F(MetricsCommandTest, RefusesValuesThatAreNotNumbersAndColumnsThatAreNotThere) {
  WriteUsual();
  anndata::AnnData data;
  DenseMatrix x(2, 2);
  x.values = {1.5f, NAN, 0.5f, 1};
  data.x = x;
  data.obs.index = {"a", "b"};
  data.obs.Set("condition", std::vector<std::string>{"A+ctrl", "A+ctrl"});
  data.obs.Set("cell_type", std::vector<std::string>{"T", "T"});
  data.var.index = {"g1", "g2"};
  ASSERT_TRUE(anndata::WriteAnnData(data, At("p.h5ad")).ok());
  EXPECT_THAT(ErrorOfRun(), HasSubstr("p.h5ad"));
  WriteUsual();
  options_.columns.condition_column = "guide";
  EXPECT_THAT(ErrorOfRun(), HasSubstr("'guide'"));
  options_.columns = {};
  options_.columns.cell_type_column = "patient";
  EXPECT_THAT(ErrorOfRun(), HasSubstr("obs has no column 'patient'; found: condition cell_type"));
}

TEST_F(MetricsCommandTest, ScoresOnePredictedAndOneControlCell) {
  Write("t.h5ad", {{"A+ctrl", "T", 10, 3}, {"ctrl", "T", 1, 2}}, {"g1", "g2"}, true);
  Write("p.h5ad", {{"A+ctrl", "T", 1, 3}, {"B+ctrl", "T", 1, 3}}, {"g1", "g2"}, false);
  const json card = RunJson();
  ASSERT_EQ(card["groups"].size(), 1u);
  EXPECT_TRUE(card["mean"]["e_distance.unbiased.all"].is_null());
  EXPECT_TRUE(card["mean"]["e_distance.paper.all"].is_number());
  EXPECT_TRUE(card["mean"]["pearson_delta.all"].is_number());
  // One control cell leaves no variance for a test.
  EXPECT_TRUE(card["groups"][0]["most_changed"].empty());
}

TEST_F(MetricsCommandTest, ListsTheMostChangedGenesByName) {
  WriteUsual();
  const json genes = RunJson()["groups"][0]["most_changed"];
  ASSERT_EQ(genes.size(), 3u);
  std::set<std::string> names;
  for (const json& gene : genes) {
    names.insert(gene["gene"]);
    EXPECT_GE(gene["p_adjusted"].get<double>(), gene["p_value"].get<double>());
  }
  EXPECT_EQ(names, (std::set<std::string>{"g1", "g2", "g3"}));
  EXPECT_GE(std::abs(genes[0]["score"].get<double>()), std::abs(genes[1]["score"].get<double>()));
}

TEST_F(MetricsCommandTest, AddsTheLinearBaselineForAKnockoutNeverSeen) {
  const std::vector<std::string> genes = {"u1", "u2", "v", "w"};
  Write("t.h5ad", {{"u2+ctrl", "T", 40, 6}, {"ctrl", "T", 40, 1}}, genes, false);
  Write("p.h5ad", {{"u2+ctrl", "T", 40, 2}}, genes, false);
  Write("train.h5ad",
        {{"u1+ctrl", "T", 40, 6},
         {"v+ctrl", "T", 40, 2},
         {"w+ctrl", "T", 40, 1},
         {"ctrl", "T", 40, 1}},
        genes, false);
  options_.training = At("train.h5ad");
  EXPECT_TRUE(RunJson()["baselines"]["linear"]["emd.all"].is_number());
  // Conditions that were trained on have their own mean shift.
  options_.predicted = options_.truth = options_.control = At("train.h5ad");
  EXPECT_FALSE(RunJson()["baselines"].contains("linear"));
}

TEST_F(MetricsCommandTest, LeavesOutGroupsWithoutTruthAndFailsWhereNoneIsLeft) {
  WriteUsual();
  Write("p.h5ad", {{"A+ctrl", "T", 9, 3}, {"Z+ctrl", "T", 9, 3}, {"ctrl", "T", 9, 3}},
        {"g1", "g2", "g3"}, false);
  EXPECT_EQ(RunJson()["groups"].size(), 1u);
  EXPECT_THAT(err_.str(), HasSubstr("warning: Z+ctrl / T left out"));
  Write("p.h5ad", {{"Z+ctrl", "T", 9, 3}}, {"g1", "g2", "g3"}, false);
  const std::string error = ErrorOfRun();
  EXPECT_THAT(error, HasSubstr("p.h5ad: obs: found the groups Z+ctrl / T"));
  EXPECT_THAT(error, HasSubstr("A+ctrl / T"));
}

TEST_F(MetricsCommandTest, ErrorsNameTheFileAndWhatWasFound) {
  WriteUsual();
  options_.truth = At("missing.h5ad");
  EXPECT_THAT(ErrorOfRun(), HasSubstr("missing.h5ad"));
  options_.truth = At("t.h5ad");
  options_.control = At("p.h5ad");
  EXPECT_THAT(ErrorOfRun(), HasSubstr("p.h5ad: obs column 'condition': no control cells"));
  options_.control = At("t.h5ad");
  options_.predicted = At("t.h5ad");
  EXPECT_THAT(ErrorOfRun(), HasSubstr("t.h5ad: X: declared log1p, found only integers"));
}

TEST_F(MetricsCommandTest, WritesTheReport) {
  WriteUsual();
  options_.report = At("report.html");
  std::ostringstream out;
  ASSERT_TRUE(RunMetrics(options_, out, err_).ok());
  EXPECT_THAT(out.str(), HasSubstr("A+ctrl / T"));
  const auto page = ReadFile(options_.report);
  ASSERT_TRUE(page.ok());
  EXPECT_THAT(*page, HasSubstr("A+ctrl / T"));
}

}  // namespace
}  // namespace unlasting::trainer
