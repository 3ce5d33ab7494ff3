#include "core/report/report.h"

#include <functional>
#include <memory>
#include <random>

#include "absl/strings/str_format.h"
#include "core/report/group_plots.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kGenes = 12;

DenseMatrix RandomCells(int64_t rows, uint32_t seed, float shift) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  DenseMatrix cells(rows, kGenes);
  for (float& value : cells.values) value = std::max(0.0f, normal(random) + shift);
  return cells;
}

evaluate::Group MakeGroup(const std::string& condition, int64_t n_true, bool mean_shift) {
  evaluate::Group group;
  group.key = {{"condition", condition}, {"cell_type", "T"}};
  group.predicted = RandomCells(15, 1, 0.9f);
  group.truth = RandomCells(n_true, 2, 1);
  group.control = RandomCells(30, 3, 0);
  if (mean_shift) group.mean_shift = std::vector<float>(kGenes, 0.1f);
  return group;
}

// The plots belong to the input that points to them.
struct Input : ReportInput {
  std::shared_ptr<GroupPlots> owned;
};

Input MakeInput(
    const std::vector<evaluate::Group>& groups,
    const std::function<std::string(int)>& gene_name = [](int g) {
      return "GENE" + std::to_string(g);
    }) {
  Input input;
  input.title = "model 0.1";
  for (int g = 0; g < kGenes; ++g) input.genes.push_back(gene_name(g));
  input.owned = std::make_shared<GroupPlots>(input.genes);
  for (const evaluate::Group& group : groups) input.owned->Add(group);
  input.plots = input.owned.get();
  input.scorecard = *evaluate::Score(groups, {});
  return input;
}

int CountOf(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(RenderHtmlTest, HoldsEverySection) {
  const std::vector<evaluate::Group> groups = {MakeGroup("STAT1+ctrl", 20, true)};
  Input input = MakeInput(groups);
  input.manifest = {{"name", "model"}, {"genes", input.genes}, {"files", {{"source.pt", 1}}}};
  for (int step = 0; step < 1000; ++step) {
    input.training.push_back({{"step", step}, {"loss", 1.0 / (step + 1)}});
  }
  input.training.push_back({{"step", 1000}, {"latent_mean", 0.01}, {"latent_deviation", 1.02}});
  const std::string html = RenderHtml(input);
  EXPECT_THAT(html, HasSubstr("<title>model 0.1</title>"));
  EXPECT_THAT(html, HasSubstr("12 (GENE0, GENE1, GENE2, GENE3, …)"));
  EXPECT_THAT(html, HasSubstr("beats no change and mean shift"));
  EXPECT_THAT(html, HasSubstr("15 predicted, 20 true, 30 control"));
  EXPECT_THAT(html, HasSubstr("class=\"best\""));
  EXPECT_THAT(html, HasSubstr("Pearson r = "));
  EXPECT_THAT(html, HasSubstr("Denoiser loss"));
  EXPECT_THAT(html, HasSubstr("mean 0.0100, deviation 1.0200"));
  EXPECT_EQ(CountOf(html, "log1p expression of active cells"), 9);
  EXPECT_THAT(html, Not(HasSubstr("source.pt")));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(RenderHtmlTest, ShowsWhetherTheModelKnowsWhereItIsWrong) {
  std::vector<evaluate::Group> groups = {MakeGroup("A", 20, true), MakeGroup("B", 20, true)};
  EXPECT_THAT(RenderHtml(MakeInput(groups)), Not(HasSubstr("How sure the model is")));
  groups[0].predicted_distance =
      evaluate::PredictedDistance{0.5, 0.25, 9, true, "new gene, seen context", 20};
  groups[1].predicted_distance =
      evaluate::PredictedDistance{2, 0, 0, false, "new drug, new context", 3};
  const std::string html = RenderHtml(MakeInput(groups));
  EXPECT_THAT(html, HasSubstr("<h2>How sure the model is</h2>"));
  EXPECT_THAT(html, HasSubstr("of 1 intervals cover"));
  EXPECT_THAT(html, HasSubstr("Risk by coverage"));
  EXPECT_THAT(html, HasSubstr("B / T, new drug, new context: predicted 2"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(RenderHtmlTest, FetchesNothing) {
  const std::vector<evaluate::Group> groups = {MakeGroup("A", 20, true)};
  const std::string html = RenderHtml(MakeInput(groups));
  for (const char* outside : {"http:", "https:", "src=", "url(", "@import"}) {
    EXPECT_THAT(html, Not(HasSubstr(outside)));
  }
  EXPECT_EQ(CountOf(html, "<script"), 1);
  EXPECT_GT(CountOf(html, "href="), 0);
  EXPECT_EQ(CountOf(html, "href="), CountOf(html, "href=\"#"));
}

TEST(RenderHtmlTest, SaysOfWhichModelAndSplitTheScoresAre) {
  std::vector<evaluate::Group> groups = {MakeGroup("A", 20, true), MakeGroup("B", 20, true)};
  Input input = MakeInput(groups);
  input.manifest = {{"name", "model"},
                    {"version", "7"},
                    {"split", {{"kind", "cells"}, {"fraction", 0.3}, {"test_cells", 2858}}}};
  input.scorecard.groups[0].trained = "condition and cell type together";
  input.scorecard.groups[1].trained = "neither condition nor cell type";
  const std::string html = RenderHtml(input);
  EXPECT_THAT(html, HasSubstr("<dd>model, version 7</dd>"));
  EXPECT_THAT(html, HasSubstr("<dd>by cells; 30 % held out; 2,858 cells held out</dd>"));
  EXPECT_THAT(html, HasSubstr("condition and cell type together: 1 of 2 groups (A / T); neither"));
  EXPECT_THAT(RenderHtml({}), Not(HasSubstr("<h2>Model, split")));
}

TEST(RenderHtmlTest, EscapesEveryNameFromAFile) {
  const std::string evil = "<img onerror=\"x\">&'";
  std::vector<evaluate::Group> groups = {MakeGroup(evil, 20, true)};
  groups[0].further_baselines[evil] = groups[0].control;
  Input input = MakeInput(groups, [&evil](int) { return evil; });
  input.title = evil;
  input.manifest = {{"name", evil}, {evil, evil}, {"cell_types", {evil}}};
  const std::string html = RenderHtml(input);
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, Not(HasSubstr("onerror=\"x")));
}

TEST(RenderHtmlTest, SaysWhereTheModelIsNotReady) {
  std::vector<evaluate::Group> groups = {MakeGroup("A", 20, true)};
  groups[0].predicted = RandomCells(15, 1, -1);
  EXPECT_THAT(RenderHtml(MakeInput(groups)), HasSubstr("does not beat mean shift"));
}

TEST(RenderHtmlTest, StandsOneCellMissingBaselinesAndEmptyInput) {
  const std::vector<evaluate::Group> groups = {MakeGroup("A", 1, false), MakeGroup("B", 20, false)};
  const std::string html = RenderHtml(MakeInput(groups));
  EXPECT_THAT(html, HasSubstr("mean shift not computed"));
  EXPECT_THAT(html, HasSubstr("<td>–</td>"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  const std::string empty = RenderHtml({});
  EXPECT_THAT(empty, HasSubstr("<title>Evaluation</title>"));
  EXPECT_THAT(empty, HasSubstr("nothing to compare"));
}

TEST(RenderHtmlTest, PassesOverTrainingLinesItCannotPlot) {
  ReportInput input;
  input.training = {
      nullptr, 3, {{"step", "x"}, {"loss", 1}}, {{"loss", 1}}, {{"step", 1}, {"loss", nullptr}}};
  EXPECT_THAT(RenderHtml(input), Not(HasSubstr("<h2>Training")));
  input.training.push_back({{"step", 5}, {"loss", 0.5}});
  EXPECT_THAT(RenderHtml(input), HasSubstr("<h2>Training"));
}

TEST(RenderHtmlTest, PlotsTheScoresOfHeldOutCellsByTrainingStep) {
  ReportInput input;
  input.training = {{{"step", 10}, {"loss", 0.5}}};
  EXPECT_THAT(RenderHtml(input), Not(HasSubstr("Held-out E-distance")));
  for (const int step : {0, 500, 1000}) {
    input.training.push_back({{"step", step},
                              {"held_out_e_distance", -0.01 + 1e-4 * step},
                              {"held_out_emd", 0.125},
                              {"held_out_correlation_agreement", nullptr}});
  }
  const std::string html = RenderHtml(input);
  EXPECT_THAT(html, HasSubstr("<b>Held-out E-distance</b> last: 0.0900"));
  EXPECT_THAT(html, HasSubstr("<b>Held-out EMD</b> last: 0.1250"));
  EXPECT_THAT(html, Not(HasSubstr("Held-out correlation agreement")));
  EXPECT_THAT(html, HasSubstr("Nothing was chosen by them."));
  EXPECT_THAT(html, Not(HasSubstr("Validation E-distance")));
}

TEST(RenderHtmlTest, ShowsIntervalsBesideTheScores) {
  const std::vector<evaluate::Group> groups = {MakeGroup("A", 20, true)};
  Input input = MakeInput(groups);
  const auto interval = input.scorecard.groups[0].intervals.at("emd.all");
  EXPECT_THAT(RenderHtml(input), HasSubstr(absl::StrFormat("<small>%.3f – %.3f</small>",
                                                           interval.low, interval.high)));
  EXPECT_THAT(RenderHtml(input), HasSubstr("class=\"interval\""));
}

TEST(RenderHtmlTest, NamesTheGroupsWhereMeanShiftIsNearer) {
  std::vector<evaluate::Group> groups = {MakeGroup("good", 20, true), MakeGroup("bad", 20, true)};
  groups[1].predicted = RandomCells(15, 1, -1);
  EXPECT_THAT(RenderHtml(MakeInput(groups)),
              HasSubstr("Mean shift is nearer by both distances in bad / T."));
}

TEST(RenderHtmlTest, TheBadgeLooksAtEveryBaseline) {
  std::vector<evaluate::Group> groups = {MakeGroup("A", 20, true)};
  groups[0].further_baselines["linear"] = groups[0].control;
  EXPECT_THAT(RenderHtml(MakeInput(groups)),
              HasSubstr("✓ beats no change, mean shift and linear<"));
  groups[0].further_baselines["mean_shift_rank"] = groups[0].truth;
  const std::string html = RenderHtml(MakeInput(groups));
  EXPECT_THAT(html, HasSubstr("<span class=\"badge open\">beats no change, mean shift and linear, "
                              "but not mean shift rank</span>"));
  EXPECT_THAT(html, HasSubstr("<li>Mean shift rank is nearer by both distances in A / T.</li>"));
}

TEST(RenderHtmlTest, TablesAndPlotsBothBeginWithTheMostChangedGroup) {
  std::vector<evaluate::Group> groups = {MakeGroup("weak", 20, true),
                                         MakeGroup("strong", 20, true)};
  groups[1].truth = RandomCells(20, 2, 4);
  const std::string html = RenderHtml(MakeInput(groups));
  for (const char* place : {"class=\"name\">", "<tr><th>", "<h3>"}) {
    const auto strong = html.find(place + std::string("strong / T"));
    ASSERT_NE(strong, std::string::npos) << place;
    EXPECT_LT(strong, html.find(place + std::string("weak / T"))) << place;
  }
}

TEST(RenderHtmlTest, PlacesTheCellsOnPrincipalComponents) {
  const std::vector<evaluate::Group> groups = {MakeGroup("A", 20, true)};
  const std::string html = RenderHtml(MakeInput(groups));
  EXPECT_EQ(CountOf(html, "class=\"dots cell"), 3);
  EXPECT_EQ(CountOf(html, "circle class=\"centre"), 3);
  EXPECT_THAT(html, HasSubstr("% of variance)"));
}

TEST(RenderHtmlTest, DrawsADoseResponseWhereADrugHasSeveralDoses) {
  std::vector<evaluate::Group> groups = {MakeGroup("D@0.1", 20, true), MakeGroup("D@10", 20, true)};
  for (evaluate::Group& group : groups) group.drug = "Dasatinib";
  groups[0].dose_um = 0.1;
  EXPECT_THAT(RenderHtml(MakeInput(groups)), Not(HasSubstr("Dose response")));
  groups[1].dose_um = 10;
  const std::string html = RenderHtml(MakeInput(groups));
  EXPECT_THAT(html, HasSubstr("<h2>Dose response"));
  EXPECT_THAT(html, HasSubstr("Dasatinib / T"));
  EXPECT_EQ(CountOf(html, ">dose (µM)<"), 4);
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(RenderHtmlTest, PlacesAHeldOutDoseAmongThoseThatTrainingSaw) {
  std::vector<evaluate::Group> groups = {MakeGroup("D@1", 20, true)};
  groups[0].drug = "Dasatinib";
  groups[0].dose_um = 1;
  Input input = MakeInput(groups);
  EXPECT_THAT(RenderHtml(input), Not(HasSubstr("Dose response")));
  // The scored dose takes the place of training's own cells at it; other types do not belong.
  for (const auto& [cell_type, dose] : {std::pair{"T", 0.1}, {"T", 1.0}, {"T", 10.0}, {"U", 3.0}}) {
    input.trained_doses.push_back(
        {"Dasatinib", cell_type, dose, 20, evaluate::StatisticsOf(RandomCells(20, 5, 0.5f))});
  }
  const std::string html = RenderHtml(input);
  EXPECT_EQ(CountOf(html, ">dose (µM)<"), 4);
  EXPECT_EQ(CountOf(html, "circle class=\"trained truth\""), 4 * 2);
}

TEST(RenderHtmlTest, SumsUpTheNetwork) {
  ReportInput input;
  // Gene B acts on A and C, A on C; C has a self-loop only besides.
  DenseMatrix edges(4, 4);
  edges.At(0, 1) = edges.At(2, 1) = edges.At(2, 0) = edges.At(2, 2) = 1;
  const CsrMatrix network = ToCsr(edges);
  input.network = &network;
  input.network_nodes = {"A", "B", "C", "<D>"};
  const std::string html = RenderHtml(input);
  EXPECT_THAT(html, HasSubstr("3 edges between 4 genes; 1 without a neighbour"));
  EXPECT_THAT(html, HasSubstr("<tr><th>B</th><td>2</td><td>0</td></tr>"));
  EXPECT_THAT(html, Not(HasSubstr("<D>")));
  input.network_nodes.pop_back();
  EXPECT_THAT(RenderHtml(input), Not(HasSubstr("Gene network")));
}

TEST(RenderHtmlTest, ManyGroupsAndConstantGenesStayReadable) {
  std::vector<evaluate::Group> groups;
  for (int k = 0; k < 40; ++k) {
    groups.push_back(MakeGroup("C" + std::to_string(k), 10, true));
    for (DenseMatrix* cells : {&groups[k].truth, &groups[k].predicted, &groups[k].control}) {
      for (int64_t r = 0; r < cells->rows; ++r) cells->At(r, 0) = 0;
    }
  }
  const std::string html = RenderHtml(MakeInput(groups));
  EXPECT_THAT(html, HasSubstr("The 30 most changed of 40 groups"));
  EXPECT_THAT(html, HasSubstr("Shown are the 12 most changed of 40 groups"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("inf")));
}

}  // namespace
}  // namespace unlasting::report
