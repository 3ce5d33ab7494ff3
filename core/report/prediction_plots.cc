#include "core/report/prediction_plots.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/report/density_panel.h"
#include "core/report/html.h"
#include "core/report/projection.h"
#include "core/report/volcano.h"

namespace unlasting::report {
namespace {

constexpr size_t kDensities = 6;
constexpr size_t kMaxStill = 1500;  // dots of genes that do not change
constexpr int64_t kFewestCells = 3;
constexpr size_t kLongestName = 30;

// Columns of the genes with the largest score, else the largest change.
std::vector<size_t> TopColumns(const std::vector<GeneChange>& genes) {
  std::vector<size_t> order(genes.size());
  std::iota(order.begin(), order.end(), 0);
  const auto strength = [&genes](size_t g) {
    return std::make_pair(std::isnan(genes[g].score) ? 0 : std::abs(genes[g].score),
                          std::abs(genes[g].mean - genes[g].control_mean));
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return strength(a) > strength(b); });
  order.resize(std::min(order.size(), kDensities));
  return order;
}

}  // namespace

std::string ChangeSentence(const ChangeCount& count) {
  if (count.tested == 0) {
    return "There is no test: it takes two cells or more, and what the server says of each gene.";
  }
  const int64_t changed = count.up + count.down;
  if (changed == 0) {
    return absl::StrCat("None of the ", Count(count.tested),
                        " genes changes at an adjusted p below 0.05.");
  }
  return absl::StrCat(Count(changed), " of ", Count(count.tested),
                      count.tested == 1 ? " gene" : " genes", changed == 1 ? " changes" : " change",
                      " at an adjusted p below 0.05: ", Count(count.up), " up, ", Count(count.down),
                      " down.");
}

std::string PlotsHtml(const PerturbationResult& result) {
  std::vector<CellSeries> series;
  if (result.control.rows > 0) series.push_back({"control", "control", &result.control});
  if (result.predicted.rows > 0) series.push_back({"predicted", "predicted", &result.predicted});
  std::string plots = VolcanoFigure(result.genes, kMaxStill);
  const bool cells = std::all_of(series.begin(), series.end(), [](const CellSeries& each) {
    return each.cells->rows >= kFewestCells;
  });
  if (!series.empty() && cells && result.genes.size() > 1) {
    plots += CellsFigure(series, series.size(),
                         series.size() == 2 ? "principal components of control and predicted cells"
                                            : "principal components of the predicted cells",
                         true);
  }
  std::string densities;
  if (!series.empty()) {
    for (const size_t g : TopColumns(result.genes)) {
      const GeneChange& gene = result.genes[g];
      densities +=
          DensityPanel(series, static_cast<int64_t>(g), Shortened(gene.symbol, kLongestName),
                       std::isnan(gene.p_adjusted)
                           ? ""
                           : absl::StrCat("adjusted p ", Escape(PValue(gene.p_adjusted))),
                       true);
    }
  }
  if (plots.empty() && densities.empty()) return "";
  const std::string control =
      result.control.rows > 0 ? "<i class=\"key control\"></i>control " : "";
  return absl::StrCat(
      "<p class=\"legend\">", control, "<i class=\"key predicted\"></i>predicted</p>\n",
      result.plotted.empty() ? ""
                             : absl::StrCat("<p class=\"note\">", Escape(result.plotted), "</p>\n"),
      "<div class=\"plots\">", plots, densities, "</div>\n");
}

}  // namespace unlasting::report
