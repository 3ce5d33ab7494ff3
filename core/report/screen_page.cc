#include "core/report/screen_page.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/report/html.h"
#include "core/report/prediction_tables.h"
#include "core/report/volcano.h"

namespace unlasting::report {
namespace {

constexpr size_t kMaxPlots = 48;
constexpr size_t kMaxStill = 250;  // dots of a volcano plot that do not change
constexpr size_t kMaxRows = 8000;  // of the table
constexpr size_t kMaxErrors = 1000;
constexpr size_t kLongestName = 80;
constexpr size_t kLongestReason = 400;

constexpr char kReading[] = R"html(<section><h2>How to read this page</h2><div class="reading">
<p><b>No truth</b> Nobody measured these cells: every number is what the model predicts.</p>
<p><b>Change</b> Euclidean length of the predicted mean change against control over all genes, log1p: the
order of the ranking.</p>
<p><b>Trust</b> ✓ good: near the training data; ▲ with care; ✗ low: far from it.</p>
<p><b>Genes up, down</b> Genes whose mean rises or falls at a p below 0.05: Welch's t test of predicted
against control cells, adjusted over all genes by Benjamini and Hochberg. It says how surely these cells
differ, not how true the prediction is.</p>
<p><b>Predicted error</b> The E-distance that the predicted cells are expected to have from the true ones;
in small print the calibrated interval, where there is one.</p>
<p><b>Volcano</b> log2 fold change of every gene against −log10 of its adjusted p.</p>
</div></section>
)html";

// By change, falling; equal ones by their place in the table.
template <typename Item>
bool Before(const Item& a, const Item& b) {
  return a.change != b.change ? a.change > b.change : a.place < b.place;
}

std::string WithAnchor(int64_t place, const std::string& name, const std::string& figure) {
  // Each plot is reached from its row.
  return absl::StrCat("<article id=\"p", place, "\"><h3>", Escape(Shortened(name, kLongestName)),
                      "</h3>", figure, "</article>\n");
}

std::string ErrorsSection(const std::vector<ScreenPageError>& errors, const std::string& file) {
  if (errors.empty()) return "";
  std::string html = absl::StrCat(
      "<section><h2>Rows that were not predicted</h2>\n<p class=\"note\">",
      Escape(absl::StrCat("Correct them in the table and go on with --resume; ", file,
                          " lists them with the lines as they stand.")),
      "</p>\n<figure class=\"table\"><div class=\"scroll\"><table class=\"wide text plainly\">"
      "<thead><tr><th>line</th><th>name</th><th>reason</th><th "
      "class=\"words\">message</th></tr></thead><tbody>\n");
  for (size_t k = 0; k < std::min(errors.size(), kMaxErrors); ++k) {
    const ScreenPageError& error = errors[k];
    absl::StrAppend(&html, "<tr><th>", error.line, "</th><td>",
                    Escape(Shortened(error.name, kLongestName)), "</td><td>", Escape(error.reason),
                    "</td><td class=\"words\">", Escape(Shortened(error.message, kLongestReason)),
                    "</td></tr>\n");
  }
  absl::StrAppend(&html, "</tbody></table></div></figure>\n");
  if (errors.size() > kMaxErrors) {
    absl::StrAppend(&html, "<p class=\"note\">The first ", Count(kMaxErrors), " of ",
                    Count(static_cast<int64_t>(errors.size())), ".</p>\n");
  }
  return absl::StrCat(html, "</section>\n");
}

}  // namespace

void ScreenPage::Add(const ScreenPageRow& row) {
  const ChangeCount count = CountChanges(row.genes);
  rows_.push_back({count.length, row.place, Shortened(row.name, kLongestName),
                   Shortened(row.given, kLongestName), row.remarks,
                   ChangeCells(row.genes, row.remarks, row.expected_error, row.expected_error_range,
                               row.seen)});
  Plot plot = {count.length, row.place, ""};
  const auto place = std::upper_bound(plots_.begin(), plots_.end(), plot, Before<Plot>);
  if (place == plots_.end() && plots_.size() == kMaxPlots) return;
  const std::string figure = VolcanoFigure(row.genes, kMaxStill);
  if (figure.empty()) return;
  plot.html = WithAnchor(row.place, row.name, figure);
  plots_.insert(place, std::move(plot));
  if (plots_.size() > kMaxPlots) plots_.pop_back();
}

std::vector<const ScreenPage::Row*> ScreenPage::Ranked() const {
  std::vector<const Row*> ranked;
  for (const Row& row : rows_) ranked.push_back(&row);
  std::sort(ranked.begin(), ranked.end(),
            [](const Row* a, const Row* b) { return Before(*a, *b); });
  return ranked;
}

std::string ScreenPage::Html(const PredictionFrame& frame,
                             const std::vector<ScreenPageError>& errors, const std::string& ranking,
                             const std::string& errors_file) const {
  const std::vector<const Row*> ranked = Ranked();
  std::set<int64_t> plotted;
  for (const Plot& plot : plots_) plotted.insert(plot.place);
  std::string table = absl::StrCat(
      "<figure class=\"table\"><figcaption><b>Perturbations</b> strongest change first"
      "</figcaption><div class=\"scroll\"><table class=\"wide text plainly\"><thead>"
      "<tr><th>perturbation</th><th>rank</th>",
      kChangeHeaders, "</tr></thead><tbody>\n");
  std::vector<std::string> names;
  std::vector<std::vector<Remark>> remarks;
  for (size_t k = 0; k < ranked.size(); ++k) {
    const Row& row = *ranked[k];
    names.push_back(row.name);
    remarks.push_back(row.remarks);
    if (k >= kMaxRows) continue;
    const bool linked = plotted.count(row.place) > 0;
    absl::StrAppend(&table, "<tr><th>",
                    linked ? absl::StrCat("<a href=\"#p", row.place, "\">") : "", Escape(row.name),
                    linked ? "</a>" : "",
                    row.given.empty() ? "" : absl::StrCat("<small>", Escape(row.given), "</small>"),
                    "</th><td>", k + 1, "</td>", row.cells, "</tr>\n");
  }
  absl::StrAppend(&table, "</tbody></table></div></figure>\n");
  std::string note = absl::StrCat(ranking, " has every row with all that is said of it.");
  if (ranked.size() > kMaxRows) {
    note = absl::StrCat("The strongest ", Count(kMaxRows), " of ",
                        Count(static_cast<int64_t>(ranked.size())), "; ", note);
  }
  std::string volcanoes;
  for (const Plot& plot : plots_) volcanoes += plot.html;
  if (!volcanoes.empty()) {
    volcanoes =
        absl::StrCat("<section><h2>Volcano plots</h2>\n<p class=\"note\">",
                     plots_.size() < ranked.size()
                         ? absl::StrCat("The ", plots_.size(), " perturbations that change most.")
                         : "Every perturbation.",
                     "</p>\n<div class=\"plots\">", volcanoes, "</div></section>\n");
  }
  const std::string known =
      frame.remarks.empty() && frame.adjusted.empty()
          ? ""
          : absl::StrCat("<section><h2>What to know of the control cells</h2>\n",
                         RemarksHtml(frame.remarks), List(frame.adjusted), "</section>\n");
  return RenderPage(
      {"screen, without truth", frame.title, frame.subtitle,
       RemarkHtml(SummaryOf(frame.remarks, names, remarks)),
       absl::StrCat("<section><h2>Ranking</h2>\n<p class=\"note\">", Escape(note), "</p>\n", table,
                    "</section>\n", volcanoes, ErrorsSection(errors, errors_file), known,
                    "<section><h2>What was asked</h2>\n<div class=\"box\">", FactsHtml(frame.asked),
                    "</div></section>\n<section><h2>Model, split and training</h2>\n<div "
                    "class=\"box\">",
                    FactsHtml(frame.model), "</div></section>\n", kReading)});
}

}  // namespace unlasting::report
