#include "core/report/projection.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/report/chart.h"
#include "core/report/principal_components.h"

namespace unlasting::report {
namespace {

constexpr int64_t kMaxCells = 500;

// Evenly spaced rows, for files order cells by batch.
DenseMatrix Some(const DenseMatrix& cells, int64_t most) {
  if (cells.rows <= most) return cells;
  std::vector<int64_t> rows;
  for (int64_t k = 0; k < most; ++k) rows.push_back(k * cells.rows / most);
  return SelectRows(cells, rows);
}

Points Projected(const PrincipalComponents& components, const DenseMatrix& cells) {
  Points points;
  for (int64_t r = 0; r < cells.rows; ++r) {
    const auto place = components.Project(cells.Row(r));
    points.emplace_back(place[0], place[1]);
  }
  return points;
}

PrincipalComponents ComponentsOfSeries(const std::vector<CellSeries>& series, size_t fitted,
                                       int64_t most) {
  for (size_t s = 0; s < fitted; ++s) most = std::min(most, series[s].cells->rows);
  DenseMatrix cells = Some(*series[0].cells, most);
  for (size_t s = 1; s < fitted; ++s) {
    const DenseMatrix more = Some(*series[s].cells, most);
    cells.values.insert(cells.values.end(), more.values.begin(), more.values.end());
    cells.rows += more.rows;
  }
  return ComponentsOf(cells);
}

void DrawCentre(const CellSeries& series, const Points& points, Chart* chart) {
  double x = 0, y = 0;
  for (const auto& point : points) {
    x += point.first / static_cast<double>(points.size());
    y += point.second / static_cast<double>(points.size());
  }
  chart->Marker(x, y, 6, absl::StrCat("centre ", series.classes),
                absl::StrCat("mean of the ", series.name, " cells"));
}

}  // namespace

std::string CellsFigure(const std::vector<CellSeries>& series, size_t fitted, int64_t max_fitted,
                        const std::string& what, bool large) {
  const PrincipalComponents components = ComponentsOfSeries(series, fitted, max_fitted);
  std::vector<Points> places;
  std::array<double, 2> low = {HUGE_VAL, HUGE_VAL}, high = {-HUGE_VAL, -HUGE_VAL};
  for (const CellSeries& each : series) {
    places.push_back(Projected(components, Some(*each.cells, kMaxCells)));
    for (const auto& [x, y] : places.back()) {
      low = {std::min(low[0], x), std::min(low[1], y)};
      high = {std::max(high[0], x), std::max(high[1], y)};
    }
  }
  Chart::Options options;
  options.width = large ? 300 : 330;
  options.height = 250;
  options.left = large ? 58 : 54;
  if (large) options.bottom = 46;
  options.large = large;
  options.label = absl::StrCat(
      absl::StrJoin(series, ", ",
                    [](std::string* out, const CellSeries& each) { *out += each.name; }),
      " cells on two principal components");
  options.label[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(options.label[0])));
  options.x_title = absl::StrFormat("PC 1 (%.0f%% of variance)", 100 * components.share[0]);
  options.y_title = absl::StrFormat("PC 2 (%.0f%%)", 100 * components.share[1]);
  Chart chart(options, Padded(low[0], high[0]), Padded(low[1], high[1]));
  chart.Grid(large ? 4 : 5, 4);
  for (size_t s = 0; s < series.size(); ++s) {
    chart.Dots(places[s], absl::StrCat("cell ", series[s].classes));
  }
  for (size_t s = 0; s < series.size(); ++s) DrawCentre(series[s], places[s], &chart);
  return absl::StrCat("<figure><figcaption><b>Cells</b> ", what, "; rings: means</figcaption>",
                      chart.Html(), "</figure>\n");
}

std::string EmbeddingFigure(const evaluate::Group& group) {
  return CellsFigure({{"control", "control", &group.control},
                      {"true", "truth", &group.truth},
                      {"predicted", "predicted", &group.predicted}},
                     2, kMaxCells, "principal components of control and true cells", false);
}

}  // namespace unlasting::report
