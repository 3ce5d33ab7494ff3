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
constexpr int64_t kMinCells = 3;
// What components are found from: they take time for every gene and cell.
constexpr int64_t kCellsFitted = 150;
constexpr size_t kGenesFitted = 1000;
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

// Columns of the genes that vary most over all series, ascending.
std::vector<int64_t> MostVariable(const std::vector<CellSeries>& series, size_t genes) {
  std::vector<double> variance(genes, 0);
  std::vector<double> mean(genes, 0);
  double cells = 0;
  for (const CellSeries& each : series) {
    for (int64_t r = 0; r < each.cells->rows; ++r) {
      const auto row = each.cells->Row(r);
      cells += 1;
      for (size_t g = 0; g < genes; ++g) {
        const double before = row[g] - mean[g];
        mean[g] += before / cells;
        variance[g] += before * (row[g] - mean[g]);
      }
    }
  }
  std::vector<int64_t> order(genes);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&variance](int64_t a, int64_t b) {
    return variance[static_cast<size_t>(a)] > variance[static_cast<size_t>(b)];
  });
  order.resize(std::min(order.size(), kGenesFitted));
  std::sort(order.begin(), order.end());
  return order;
}

// The cells on two principal components; "" where there are too few cells or genes.
std::string Components(const std::vector<CellSeries>& series, size_t genes) {
  const bool enough = std::all_of(series.begin(), series.end(), [](const CellSeries& each) {
    return each.cells->rows >= kMinCells;
  });
  if (series.empty() || !enough || genes < 2) return "";
  const std::vector<int64_t> columns = MostVariable(series, genes);
  std::vector<DenseMatrix> cells;
  for (const CellSeries& each : series) cells.push_back(SelectColumns(*each.cells, columns));
  std::vector<CellSeries> selected = series;
  for (size_t s = 0; s < cells.size(); ++s) selected[s].cells = &cells[s];
  std::string what = series.size() == 2 ? "principal components of control and predicted cells"
                                        : "principal components of the predicted cells";
  if (columns.size() < genes) {
    absl::StrAppend(&what, " over the ", Count(static_cast<int64_t>(columns.size())),
                    " genes that vary most");
  }
  return CellsFigure(selected, selected.size(), kCellsFitted, what, true);
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
  plots += Components(series, result.genes.size());
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
