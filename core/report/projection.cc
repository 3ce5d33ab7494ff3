#include "core/report/projection.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
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

}  // namespace

std::string EmbeddingFigure(const evaluate::Group& group) {
  const int64_t fitted = std::min({group.control.rows, group.truth.rows, kMaxCells});
  DenseMatrix cells = Some(group.control, fitted);
  const DenseMatrix truth = Some(group.truth, fitted);
  cells.values.insert(cells.values.end(), truth.values.begin(), truth.values.end());
  cells.rows += truth.rows;
  const PrincipalComponents components = ComponentsOf(cells);
  const std::array<std::pair<const char*, Points>, 3> series = {
      {{"control", Projected(components, Some(group.control, kMaxCells))},
       {"truth", Projected(components, Some(group.truth, kMaxCells))},
       {"predicted", Projected(components, Some(group.predicted, kMaxCells))}}};
  std::array<double, 2> low = {HUGE_VAL, HUGE_VAL}, high = {-HUGE_VAL, -HUGE_VAL};
  for (const auto& [unused, points] : series) {
    for (const auto& [x, y] : points) {
      low = {std::min(low[0], x), std::min(low[1], y)};
      high = {std::max(high[0], x), std::max(high[1], y)};
    }
  }
  Chart::Options options;
  options.width = 330;
  options.height = 250;
  options.left = 54;
  options.label = "Control, true and predicted cells on two principal components";
  options.x_title = absl::StrFormat("PC 1 (%.0f%% of variance)", 100 * components.share[0]);
  options.y_title = absl::StrFormat("PC 2 (%.0f%%)", 100 * components.share[1]);
  Chart chart(options, Padded(low[0], high[0]), Padded(low[1], high[1]));
  chart.Grid(5, 4);
  for (const auto& [classes, points] : series) {
    chart.Dots(points, absl::StrCat("cell ", classes));
  }
  for (const auto& [classes, points] : series) {
    double x = 0, y = 0;
    for (const auto& point : points) {
      x += point.first / static_cast<double>(points.size());
      y += point.second / static_cast<double>(points.size());
    }
    chart.Marker(
        x, y, 6, absl::StrCat("centre ", classes),
        absl::StrCat("mean of the ", std::string(classes) == "truth" ? "true" : classes, " cells"));
  }
  return absl::StrCat(
      "<figure><figcaption><b>Cells</b> principal components of control and true cells; "
      "rings: means</figcaption>",
      chart.Html(), "</figure>\n");
}

}  // namespace unlasting::report
