#include "core/report/prediction_page.h"

#include <cmath>
#include <random>

#include "absl/strings/str_cat.h"
#include "core/report/screen_page.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr size_t kMegabyte = 1 << 20;

int CountOf(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

DenseMatrix Cells(int64_t rows, int64_t genes, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 3);
  DenseMatrix cells(rows, genes);
  for (float& value : cells.values) value = std::max(0.0f, uniform(random));
  return cells;
}

std::vector<GeneChange> Genes(int count) {
  std::vector<GeneChange> genes;
  for (int g = 0; g < count; ++g) {
    GeneChange gene;
    gene.gene = absl::StrCat("ENSG", g);
    gene.symbol = absl::StrCat("GENE", g);
    gene.control_mean = 1;
    gene.mean = g % 2 == 0 ? 1.5 : 0.75;
    gene.control_share = 0.5;
    gene.share = 0.25;
    gene.log2_fold_change = g % 2 == 0 ? 1 + 0.001 * g : -1;
    gene.score = (g % 2 == 0 ? 1 : -1) * (count - g);
    gene.p_adjusted = g < count / 2 ? 1e-6 : 0.5;
    genes.push_back(gene);
  }
  return genes;
}

PerturbationResult Result(const std::string& name, int genes = 20, int64_t cells = 30) {
  PerturbationResult result;
  result.name = name;
  result.remarks = {{Light::kGood, "Near the training data", "Training saw it."}};
  result.seen = "yes";
  result.cells = cells;
  result.genes = Genes(genes);
  result.control = Cells(cells, genes, 1);
  result.predicted = Cells(cells, genes, 2);
  return result;
}

std::string PageOf(const std::vector<PerturbationResult>& results,
                   const PredictionFrame& frame = {}) {
  PredictionPage page;
  for (const PerturbationResult& result : results) page.Add(result);
  return page.Html(frame);
}

TEST(PredictionPageTest, ShowsGenesPlotsAndHowManyChange) {
  const std::string html = PageOf({Result("STAT1")});
  EXPECT_THAT(html, HasSubstr("10 of 20 genes change at an adjusted p below 0.05: 5 up, 5 down."));
  EXPECT_THAT(html, HasSubstr("<tr><th>GENE0<small>ENSG0</small></th>"));
  EXPECT_THAT(html, HasSubstr("<td data-v=\"1e-06\">1.0e-06</td>"));
  EXPECT_THAT(html, HasSubstr("<b>Volcano</b>"));
  EXPECT_THAT(html, HasSubstr("principal components of control and predicted cells"));
  EXPECT_EQ(CountOf(html, "log1p, active cells"), 6);
  EXPECT_THAT(html, Not(HasSubstr("<h2>Perturbations</h2>")));
}

TEST(PredictionPageTest, GenesThatFallSilentDoNotSqueezeTheOthers) {
  PerturbationResult result = Result("A", 400);
  // One of 400, and not sure: its 30 doublings lie at the edge of what the others need.
  result.genes[399].log2_fold_change = -30;
  const auto volcano = [](const std::string& html) {
    const size_t plot = html.find("<b>Volcano</b> dashed");
    return html.substr(plot, html.find("</svg>", plot) - plot);
  };
  EXPECT_THAT(volcano(PageOf({result})), HasSubstr(">−1</text>"));
  EXPECT_THAT(volcano(PageOf({result})), Not(HasSubstr(">−5</text>")));
  // A sure one is drawn where it is, within 6 doublings.
  result.genes[399].p_adjusted = 1e-6;
  EXPECT_THAT(volcano(PageOf({result})), HasSubstr(">−5</text>"));
}

TEST(PredictionPageTest, TheSameAnswerIsTheSamePage) {
  EXPECT_EQ(PageOf({Result("A"), Result("B")}), PageOf({Result("A"), Result("B")}));
}

TEST(PredictionPageTest, BeginsWithTheWorstThatIsToBeSaid) {
  PerturbationResult result = Result("STAT1");
  EXPECT_THAT(PageOf({result}), HasSubstr("<body>\n<p class=\"light good\"><b>✓ Near"));
  result.remarks.push_back({Light::kBad, "Far from the training data", "Nothing like it."});
  EXPECT_THAT(PageOf({result}),
              HasSubstr("<body>\n<p class=\"light bad\"><b>✗ Far from the training data.</b> "
                        "Nothing like it."));
  PredictionFrame frame;
  frame.remarks = {{Light::kBad, "Wrong scale", "Sums are 5."}};
  EXPECT_THAT(PageOf({result}, frame),
              HasSubstr("<body>\n<p class=\"light bad\"><b>✗ Wrong scale.</b> Sums are 5. Far"));
}

TEST(PredictionPageTest, SaysThatNoGeneChanges) {
  PerturbationResult result = Result("A");
  for (GeneChange& gene : result.genes) {
    gene.mean = gene.control_mean;
    gene.log2_fold_change = gene.score = 0;
    gene.p_adjusted = 1;
  }
  const std::string html = PageOf({result});
  EXPECT_THAT(html, HasSubstr("None of the 20 genes changes at an adjusted p below 0.05."));
  EXPECT_THAT(html, HasSubstr("<b>Up</b>: no gene."));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(PredictionPageTest, OneCellHasNoTestAndNoComponents) {
  PerturbationResult result = Result("A", 20, 1);
  for (GeneChange& gene : result.genes) gene.score = gene.p_adjusted = GeneChange::kUnknown;
  const std::string html = PageOf({result});
  EXPECT_THAT(html, HasSubstr("There is no test"));
  EXPECT_THAT(html, HasSubstr("largest change first"));
  EXPECT_THAT(html, Not(HasSubstr("<b>Volcano</b>")));
  EXPECT_THAT(html, Not(HasSubstr("principal components of")));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(PredictionPageTest, ControlCellsThatAreNotAtHandAreNotDrawn) {
  PerturbationResult result = Result("A");
  result.control = DenseMatrix();
  result.plotted = "They stay on the server.";
  for (GeneChange& gene : result.genes) gene.control_share = GeneChange::kUnknown;
  const std::string html = PageOf({result});
  EXPECT_THAT(html, HasSubstr("principal components of the predicted cells"));
  EXPECT_THAT(html, HasSubstr("They stay on the server."));
  EXPECT_THAT(html, Not(HasSubstr("</i>control")));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(PredictionPageTest, WhatIsNotFiniteIsADash) {
  PerturbationResult result = Result("A");
  result.genes[0].log2_fold_change = HUGE_VAL;
  result.genes[1].control_mean = result.genes[1].score = GeneChange::kUnknown;
  result.expected_error = -HUGE_VAL;
  const std::string html = PageOf({result});
  for (const char* bad : {"nan", "inf\"", ">inf", "-inf"}) EXPECT_THAT(html, Not(HasSubstr(bad)));
  EXPECT_THAT(html, HasSubstr("<td>–</td>"));
}

TEST(PredictionPageTest, EscapesEveryNameFromOutside) {
  const std::string evil = "<script>alert(\"1\")</script>'&</style><!--";
  PerturbationResult result = Result(evil);
  result.facts = {{evil, evil}};
  result.remarks = {{Light::kBad, evil, evil}};
  result.notes = {evil};
  result.seen = result.expected_error_range = result.plotted = evil;
  result.expected_error = 0.5;
  for (GeneChange& gene : result.genes) gene.gene = gene.symbol = evil;
  result.genes[0].gene = "other";
  PredictionFrame frame;
  frame.title = frame.subtitle = evil;
  frame.asked = frame.model = {{evil, evil}};
  frame.remarks = {{Light::kCare, evil, evil}};
  frame.adjusted = {evil};
  const std::string html = PageOf({result, result}, frame);
  EXPECT_EQ(CountOf(html, "<script"), 1);
  EXPECT_EQ(CountOf(html, "</style>"), 1);
  EXPECT_THAT(html, Not(HasSubstr("<!--")));
  EXPECT_THAT(html, Not(HasSubstr("alert(\"1")));
}

TEST(PredictionPageTest, VeryLongNamesAreCutInHeadingsAndPlots) {
  std::string longest;
  for (int k = 0; k < 5000; ++k) longest += "ä";
  PerturbationResult result = Result(longest);
  for (GeneChange& gene : result.genes) gene.symbol = longest;
  PredictionPage page;
  page.Add(result);
  const std::string html = page.Html({});
  EXPECT_LT(html.size(), kMegabyte);
  EXPECT_THAT(html, HasSubstr("…</h2>"));
}

TEST(PredictionPageTest, TheOverviewLinksTheSectionOfEachPerturbation) {
  PredictionFrame frame;
  for (const bool remarked : {false, true}) {
    if (remarked) frame.adjusted = {"converted"};
    const std::string html = PageOf({Result("FIRST"), Result("SECOND")}, frame);
    const size_t at = html.find("<th><a href=\"#s");
    ASSERT_NE(at, std::string::npos);
    const std::string id = html.substr(at + 15, html.find('"', at + 15) - at - 15);
    EXPECT_THAT(html, HasSubstr(absl::StrCat("<section id=\"s", id, "\"><h2>FIRST</h2>")));
  }
}

TEST(PredictionPageTest, TwoHundredPerturbationsOfManyGenesStayBelowTenMegabytes) {
  PredictionPage page;
  for (int p = 0; p < 200; ++p) {
    PerturbationResult result = Result(absl::StrCat("P", p), 3000, p < 40 ? 60 : 2);
    result.with_plots = p < 40;
    page.Add(result);
  }
  const std::string html = page.Html({});
  EXPECT_LT(html.size(), 10 * kMegabyte);
  EXPECT_THAT(html, HasSubstr("<h2>P199</h2>"));
  EXPECT_EQ(CountOf(html, "<b>Volcano</b> dashed"), 40);
}

ScreenPageRow Row(int64_t place, double change) {
  ScreenPageRow row;
  row.place = place;
  row.name = absl::StrCat("P", place);
  row.seen = "no";
  row.remarks = {{Light::kBad, "Far from the training data", "Nothing like it was seen."}};
  row.expected_error = 0.25;
  row.expected_error_range = "−0.01 to 0.7";
  row.genes = Genes(100);
  for (GeneChange& gene : row.genes) gene.mean *= change;
  return row;
}

TEST(ScreenPageTest, RanksTheStrongestFirstInWhateverOrderRowsCome) {
  ScreenPage one, other;
  for (const int64_t place : {0, 1, 2}) one.Add(Row(place, 2.0 + static_cast<double>(place)));
  for (const int64_t place : {2, 0, 1}) other.Add(Row(place, 2.0 + static_cast<double>(place)));
  const std::string html = one.Html({}, {}, "s.ranking.tsv", "s.errors.tsv");
  EXPECT_EQ(html, other.Html({}, {}, "s.ranking.tsv", "s.errors.tsv"));
  EXPECT_LT(html.find("<a href=\"#p2\">P2</a></th><td>1</td>"),
            html.find("<a href=\"#p0\">P0</a></th><td>3</td>"));
  EXPECT_THAT(html, HasSubstr("<body>\n<p class=\"light bad\"><b>✗ Far from the training data.</b> "
                              "3 of 3 perturbations"));
  EXPECT_THAT(html, HasSubstr("s.ranking.tsv has every row"));
  EXPECT_THAT(html, Not(HasSubstr("Rows that were not predicted")));
}

TEST(ScreenPageTest, ListsTheRowsThatWereNotPredicted) {
  ScreenPage page;
  page.Add(Row(0, 2));
  const std::string html =
      page.Html({}, {{7, "<b>", "UNKNOWN_GENE", "found 'X', expected a gene"}}, "r", "e.tsv");
  EXPECT_THAT(html, HasSubstr("<tr><th>7</th><td>&lt;b&gt;</td><td>UNKNOWN_GENE</td>"));
  EXPECT_THAT(html, HasSubstr("e.tsv lists them"));
}

TEST(ScreenPageTest, FiveThousandRowsStayBelowTenMegabytes) {
  ScreenPage page;
  for (int64_t place = 0; place < 5000; ++place) {
    page.Add(Row(place, 1.5 + static_cast<double>(place % 97)));
  }
  const std::string html = page.Html({}, {}, "r", "e");
  EXPECT_LT(html.size(), 10 * kMegabyte);
  EXPECT_EQ(CountOf(html, "<tr><th>"), 5000 + 1);
  EXPECT_EQ(CountOf(html, "<b>Volcano</b> dashed"), 48);
  EXPECT_THAT(html, HasSubstr("The 48 perturbations that change most."));
}

TEST(ScreenPageTest, ATableOfEveryRowWouldNotBeRead) {
  ScreenPage page;
  for (int64_t place = 0; place < 8100; ++place) {
    ScreenPageRow row = Row(place, 2);
    row.genes.resize(3);
    page.Add(row);
  }
  const std::string html = page.Html({}, {}, "r.tsv", "e");
  EXPECT_THAT(html, HasSubstr("The strongest 8,000 of 8,100; r.tsv has every row"));
}

}  // namespace
}  // namespace unlasting::report
