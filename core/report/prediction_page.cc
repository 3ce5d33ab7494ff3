#include "core/report/prediction_page.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/report/html.h"
#include "core/report/prediction_plots.h"
#include "core/report/prediction_tables.h"

namespace unlasting::report {
namespace {

constexpr size_t kGenesListed = 25;         // in each direction
constexpr size_t kGenesListedBriefly = 10;  // where there are no plots
constexpr size_t kLongestHeading = 120;

constexpr char kReading[] = R"html(<section><h2>How to read this page</h2><div class="reading">
<p><b>No truth</b> Nobody measured these cells: every number is what the model predicts. The light says
how far the question lies from what the model was trained on, not whether the answer is right.</p>
<p><b>Trust</b> ✓ good: near the training data; ▲ with care; ✗ low: far from it, on another scale, or with
an expected error as large as the effect.</p>
<p><b>Predicted error</b> The E-distance that the predicted cells are expected to have from the true ones,
from errors that training made where it left cells, perturbations and cell types out. 0 is no error. It is
calibrated where training left nine errors or more of the kind out: then the interval is given.</p>
<p><b>Mean, share</b> Mean of log1p values over all cells, and share of cells in which the gene is active,
in control and in predicted cells.</p>
<p><b>log2 FC</b> log2 of the ratio of expm1 of the two means, as scanpy has it.</p>
<p><b>t, adjusted p</b> Welch's t test of predicted against control cells, adjusted over all genes of the
table by Benjamini and Hochberg. It says how surely these cells differ, not how true the prediction is: with
many cells small changes become sure.</p>
<p><b>Change</b> Euclidean length of the mean change over all genes, log1p.</p>
<p><b>Densities</b> Bars: share of silent cells. Curves: density of the active cells, its area their
share.</p>
</div></section>
)html";

std::string GeneRow(const GeneChange& gene) {
  return absl::StrCat(
      "<tr><th>", Escape(gene.symbol),
      gene.gene == gene.symbol ? "" : absl::StrCat("<small>", Escape(gene.gene), "</small>"),
      "</th>", NumberCell(gene.control_mean, Decimal(gene.control_mean, 3)),
      NumberCell(gene.mean, Decimal(gene.mean, 3)), Percent(gene.control_share),
      Percent(gene.share), NumberCell(gene.log2_fold_change, Decimal(gene.log2_fold_change, 2)),
      NumberCell(gene.score, Decimal(gene.score, 1)),
      NumberCell(gene.p_adjusted, PValue(gene.p_adjusted)), "</tr>\n");
}

std::string GeneTable(const std::vector<const GeneChange*>& genes, const char* classes,
                      const std::string& title, const std::string& note) {
  if (genes.empty()) {
    return absl::StrCat("<p class=\"note\"><b>", title, "</b>: no gene.</p>\n");
  }
  std::string html = absl::StrCat(
      "<figure class=\"table\"><figcaption><b class=\"", classes, "\">", title, "</b> ", note,
      "</figcaption><div class=\"scroll\"><table class=\"genes plainly\"><thead><tr><th>gene</th>"
      "<th>mean control</th><th>mean predicted</th><th>active control</th><th>active "
      "predicted</th><th>log2 FC</th><th>t</th><th>adjusted p</th></tr></thead><tbody>\n");
  for (const GeneChange* gene : genes) html += GeneRow(*gene);
  return absl::StrCat(html, "</tbody></table></div></figure>\n");
}

std::string GenesHtml(const PerturbationResult& result, const ChangeCount& count) {
  const size_t most = result.with_plots ? kGenesListed : kGenesListedBriefly;
  const auto up = Strongest(result.genes, 1, most), down = Strongest(result.genes, -1, most);
  const std::string order = count.tested > 0 ? "surest first" : "largest change first";
  const std::string said = absl::StrCat("<p>", ChangeSentence(count), "</p>\n");
  return absl::StrCat(said, GeneTable(up, "up", "Up", order),
                      GeneTable(down, "down", "Down", order));
}

}  // namespace

void PredictionPage::Add(const PerturbationResult& result) {
  const ChangeCount count = CountChanges(result.genes);
  names_.push_back(result.name);
  remarks_.push_back(result.remarks);
  rows_.push_back(ChangeCells(result.genes, result.remarks, result.expected_error,
                              result.expected_error_range, result.seen));
  sections_.push_back(absl::StrCat("<section><h2>", Escape(Shortened(result.name, kLongestHeading)),
                                   "</h2>\n", RemarksHtml(result.remarks), FactsHtml(result.facts),
                                   List(result.notes), result.with_plots ? PlotsHtml(result) : "",
                                   GenesHtml(result, count), "</section>\n"));
}

std::string PredictionPage::Html(const PredictionFrame& frame) const {
  std::string sections = absl::StrCat(
      "<section><h2>What was asked</h2>\n<div class=\"box\">", FactsHtml(frame.asked),
      "</div></section>\n<section><h2>Model, split and training</h2>\n<div class=\"box\">",
      FactsHtml(frame.model), "</div></section>\n");
  if (!frame.remarks.empty() || !frame.adjusted.empty()) {
    absl::StrAppend(&sections, "<section><h2>What to know of the control cells</h2>\n",
                    RemarksHtml(frame.remarks), List(frame.adjusted), "</section>\n");
  }
  // The sections of the perturbations follow those above and the overview, in the list of contents.
  const size_t before = 3 + (frame.remarks.empty() && frame.adjusted.empty() ? 0 : 1);
  if (names_.size() > 1) {
    absl::StrAppend(
        &sections,
        "<section><h2>Perturbations</h2>\n<figure class=\"table\"><figcaption><b>Overview"
        "</b> counts of genes at an adjusted p below 0.05</figcaption><div class=\"scroll\"><table "
        "class=\"wide text plainly\"><thead><tr><th>perturbation</th>",
        kChangeHeaders, "</tr></thead><tbody>\n");
    for (size_t p = 0; p < names_.size(); ++p) {
      absl::StrAppend(&sections, "<tr><th><a href=\"#s", before + p + 1, "\">",
                      Escape(Shortened(names_[p], kLongestHeading)), "</a></th>", rows_[p],
                      "</tr>\n");
    }
    absl::StrAppend(&sections, "</tbody></table></div></figure></section>\n");
  }
  for (const std::string& section : sections_) sections += section;
  return RenderPage({"prediction, without truth", frame.title, frame.subtitle,
                     RemarkHtml(SummaryOf(frame.remarks, names_, remarks_)), sections + kReading});
}

}  // namespace unlasting::report
