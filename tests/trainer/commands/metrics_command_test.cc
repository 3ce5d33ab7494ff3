#include "trainer/commands/metrics_command.h"

#include <map>
#include <random>
#include <set>

#include "core/anndata/open_reader.h"
#include "core/anndata/warnings.h"
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

// The cells of a file in another order, under other spellings of the same labels.
void Rewrite(const std::string& from, const std::string& to, uint64_t seed,
             const std::map<std::string, std::vector<std::string>>& spellings) {
  auto data = *anndata::ReadAnnData(from);
  std::mt19937_64 random(seed);
  std::vector<int64_t> rows;
  for (int64_t r = 0; r < anndata::Rows(data.x); ++r) rows.push_back(r);
  for (size_t k = rows.size(); k > 1; --k) std::swap(rows[k - 1], rows[random() % k]);
  std::vector<std::string> index, conditions, types;
  const auto labels = anndata::AsStrings(*data.obs.Find("condition"));
  for (const int64_t row : rows) {
    index.push_back(data.obs.index[row]);
    const auto& ways = spellings.at(labels[row]);
    conditions.push_back(ways[random() % ways.size()]);
    types.push_back("T ");
  }
  data.x = SelectRows(std::get<DenseMatrix>(data.x), rows);
  data.obs.index = index;
  data.obs.Set("condition", conditions);
  data.obs.Set("cell_type", types);
  ASSERT_TRUE(anndata::WriteAnnData(data, to).ok());
}

TEST_F(MetricsCommandTest, OrderAndSpellingOfTheFilesChangeNoScore) {
  std::vector<std::string> genes;
  for (int g = 0; g < 30; ++g) genes.push_back("g" + std::to_string(g));
  Write("p.h5ad", {{"A+ctrl", "T", 12, 3}, {"A+B", "T", 9, 1}}, genes, false);
  Write("t.h5ad", {{"A+ctrl", "T", 10, 3}, {"A+B", "T", 8, 1}, {"ctrl", "T", 20, 2}}, genes, true);
  const json expected = RunJson();
  ASSERT_EQ(expected["groups"].size(), 2u);
  const std::map<std::string, std::vector<std::string>> spellings = {
      {"A+ctrl", {"A", "ctrl+A", " A", "A+A", "A+ctrl "}},
      {"A+B", {"A+B", "B+A", "B + A"}},
      {"ctrl", {"ctrl", "non-targeting", "ctrl+ctrl"}}};
  anndata::SetWarningHandler([](const std::string&) {});
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    Rewrite(At("p.h5ad"), At("p2.h5ad"), seed, spellings);
    Rewrite(At("t.h5ad"), At("t2.h5ad"), seed + 100, spellings);
    options_.predicted = At("p2.h5ad");
    options_.truth = options_.control = At("t2.h5ad");
    const json card = RunJson();
    ASSERT_EQ(card["groups"].size(), 2u);
    for (const char* part : {"mean", "baselines", "intervals"}) {
      const json found = card[part].flatten(), wanted = expected[part].flatten();
      ASSERT_EQ(found.size(), wanted.size());
      for (const auto& [key, value] : wanted.items()) {
        if (!value.is_number()) continue;
        EXPECT_NEAR(found[key].get<double>(), value.get<double>(), 1e-9) << part << key;
      }
    }
  }
  anndata::SetWarningHandler(nullptr);
}

TEST_F(MetricsCommandTest, LogarithmsOfAnotherSumAreBroughtToThatOfThePredictions) {
  std::vector<std::string> genes;
  for (int g = 0; g < 30; ++g) genes.push_back("g" + std::to_string(g));
  Write("t.h5ad", {{"A+ctrl", "T", 10, 3}, {"ctrl", "T", 20, 2}}, genes, true);
  const auto logged = [&](const std::string& name, double target) {
    auto data = *anndata::ReadAnnData(At("t.h5ad"));
    auto& x = std::get<DenseMatrix>(data.x);
    for (int64_t r = 0; r < x.rows; ++r) {
      double sum = 0;
      for (const float value : x.Row(r)) sum += value;
      for (float& value : x.Row(r)) value = static_cast<float>(std::log1p(value / sum * target));
    }
    ASSERT_TRUE(anndata::WriteAnnData(data, At(name)).ok());
  };
  logged("p.h5ad", 378);
  logged("other.h5ad", 1e4);
  const json counts = RunJson();
  EXPECT_THAT(err_.str(), HasSubstr("t.h5ad: counts, normalised to 378 a cell"));
  options_.truth = options_.control = At("other.h5ad");
  const json rescaled = RunJson();
  EXPECT_THAT(err_.str(), HasSubstr("other.h5ad: log1p of 10000 a cell, rescaled to 378"));
  EXPECT_NEAR(rescaled["mean"]["emd.all"].get<double>(), 0, 1e-5);
  EXPECT_NEAR(counts["mean"]["emd.all"].get<double>(), 0, 1e-5);
  // Predictions whose sum nothing tells, ten times as large as the truth.
  auto data = *anndata::ReadAnnData(At("p.h5ad"));
  for (float& value : std::get<DenseMatrix>(data.x).values) value = std::log1p(12 * value * value);
  ASSERT_TRUE(anndata::WriteAnnData(data, At("p.h5ad")).ok());
  RunJson();
  EXPECT_THAT(err_.str(), HasSubstr("scores mean nothing"));
}

TEST_F(MetricsCommandTest, PredictionsBelowZeroAreScoredAndWholeNumbersMustBeDeclared) {
  WriteUsual();
  auto data = *anndata::ReadAnnData(At("p.h5ad"));
  const auto whole = data;
  for (float& value : std::get<DenseMatrix>(data.x).values) value -= 0.01f;
  ASSERT_TRUE(anndata::WriteAnnData(data, At("p.h5ad")).ok());
  EXPECT_EQ(RunJson()["groups"].size(), 2u);
  EXPECT_THAT(err_.str(), HasSubstr("predicted values lie below 0 (the least -0.01)"));
  data = whole;
  for (float& value : std::get<DenseMatrix>(data.x).values) value = std::round(value);
  ASSERT_TRUE(anndata::WriteAnnData(data, At("p.h5ad")).ok());
  EXPECT_THAT(ErrorOfRun(), HasSubstr("--predicted-matrix"));
  options_.predicted_matrix = "log1p";
  EXPECT_EQ(RunJson()["groups"].size(), 2u);
  options_.predicted_matrix = "counts";
  EXPECT_EQ(RunJson()["groups"].size(), 2u);
  EXPECT_THAT(err_.str(), HasSubstr("p.h5ad: counts, normalised to"));
}

TEST_F(MetricsCommandTest, ACellTypeColumnOfAnotherNameIsNotIgnored) {
  Write("t.h5ad",
        {{"A+ctrl", "T", 9, 3}, {"A+ctrl", "B", 9, 3}, {"ctrl", "T", 9, 2}, {"ctrl", "B", 9, 2}},
        {"g1", "g2"}, true);
  Write("p.h5ad", {{"A+ctrl", "T", 9, 3}, {"A+ctrl", "B", 9, 3}}, {"g1", "g2"}, false);
  for (const char* name : {"t.h5ad", "p.h5ad"}) {
    auto data = *anndata::ReadAnnData(At(name));
    for (auto& [column, unused] : data.obs.columns) {
      if (column == "cell_type") column = "patient";
    }
    ASSERT_TRUE(anndata::WriteAnnData(data, At(name)).ok());
  }
  EXPECT_THAT(ErrorOfRun(), HasSubstr("use --cell-type-column patient"));
  options_.columns.cell_type_column = "patient";
  EXPECT_EQ(RunJson()["groups"].size(), 2u);
  options_.columns.cell_type_column = "";
  EXPECT_EQ(RunJson()["groups"].size(), 1u);
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
  EXPECT_THAT(ErrorOfRun(), HasSubstr("t.h5ad: X: found only whole numbers"));
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
