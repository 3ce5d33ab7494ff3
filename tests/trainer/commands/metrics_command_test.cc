#include "trainer/commands/metrics_command.h"

#include <set>

#include "core/base/file.h"
#include "gmock/gmock.h"
#include "tests/trainer/commands/metrics_fixture.h"

namespace unlasting::trainer {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class MetricsCommandTest : public MetricsFixture {};

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
