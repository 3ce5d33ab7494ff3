#include "core/report/density_panel.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/report/chart.h"
#include "core/report/html.h"

namespace unlasting::report {
namespace {

constexpr int kCurvePoints = 80;

// Places of the bars of silent shares, in units of the plot.
struct Bars {
  double first, step, width;
};
constexpr Bars kSmall = {11, 22, 20}, kLarge = {6, 40, 37};

std::vector<double> ActiveValues(const DenseMatrix& cells, int64_t gene) {
  std::vector<double> values;
  for (int64_t r = 0; r < cells.rows; ++r) {
    if (cells.At(r, gene) != 0) values.push_back(cells.At(r, gene));
  }
  return values;
}

// Gaussian kernel density, Silverman's bandwidth, scaled so that its area is `share`.
std::vector<double> Density(const std::vector<double>& values, double share,
                            const std::vector<double>& at) {
  std::vector<double> density(at.size(), 0.0);
  if (values.size() < 2) return density;
  const double n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double variance = 0;
  for (const double value : values) variance += (value - mean) * (value - mean) / (n - 1);
  const double span = at.back() - at.front();
  const double width = std::max(1.06 * std::sqrt(variance) * std::pow(n, -0.2), span / 100);
  for (size_t k = 0; k < at.size(); ++k) {
    for (const double value : values) {
      const double z = (at[k] - value) / width;
      density[k] += std::exp(-0.5 * z * z);
    }
    density[k] *= share / (n * width * std::sqrt(2 * M_PI));
  }
  return density;
}

// What is drawn of one series.
struct Drawn {
  std::vector<double> active;
  double silent = 0;  // share of the cells
  std::vector<double> density;
};

void DrawSilentShares(const std::vector<CellSeries>& series, const std::vector<Drawn>& drawn,
                      bool large, Chart* chart) {
  const Bars& bars = large ? kLarge : kSmall;
  const double base = chart->y().from;
  // Height of a share of 1; a label fits above.
  const double full = base - chart->y().to - (large ? 17 : 12);
  const double end = bars.first + bars.step * static_cast<double>(series.size());
  chart->Segment(bars.first - 3, base, end + 1, base, "axis");
  for (size_t s = 0; s < series.size(); ++s) {
    const double x = bars.first + bars.step * static_cast<double>(s);
    const double silent = drawn[s].silent;
    chart->Rectangle(x, base - full, bars.width, full, "track");
    chart->Rectangle(x, base - full * silent, bars.width, full * silent,
                     absl::StrCat("bar ", series[s].classes));
    chart->Text(x + bars.width / 2, base - full * silent - 3,
                absl::StrFormat("%.0f%%", 100 * silent), "middle", "share");
  }
  chart->Text((bars.first + end) / 2, base + (large ? 18 : 15), "silent", "middle");
}

}  // namespace

std::string DensityPanel(const std::vector<CellSeries>& series, int64_t gene,
                         const std::string& name, const std::string& caption, bool large) {
  std::vector<Drawn> drawn;
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (const CellSeries& each : series) {
    drawn.push_back({ActiveValues(*each.cells, gene), 0, {}});
    const std::vector<double>& active = drawn.back().active;
    drawn.back().silent =
        1 - static_cast<double>(active.size()) / static_cast<double>(each.cells->rows);
    for (const double value : active) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  std::tie(low, high) = Padded(low, high);
  if (low > 0) low = 0;
  std::vector<double> at(kCurvePoints);
  for (int k = 0; k < kCurvePoints; ++k) at[k] = low + (high - low) * k / (kCurvePoints - 1);
  double top = 0;
  for (Drawn& each : drawn) {
    each.density = Density(each.active, 1 - each.silent, at);
    top = std::max(top, *std::max_element(each.density.begin(), each.density.end()));
  }
  Chart::Options options;
  const Bars& bars = large ? kLarge : kSmall;
  options.width = large ? 300 : 262;
  options.height = large ? 190 : 160;
  options.left = bars.first + bars.step * static_cast<double>(series.size()) + 9;
  options.top = 10;
  options.bottom = large ? 44 : 34;
  options.large = large;
  options.x_title = large ? "log1p, active cells" : "log1p expression of active cells";
  options.label = absl::StrCat(
      "Distribution of ", name, " in ",
      absl::StrJoin(series, ", ",
                    [](std::string* out, const CellSeries& each) { *out += each.name; }),
      " cells");
  Chart chart(options, {low, high}, {0, top > 0 ? top * 1.05 : 1});
  chart.Grid(large ? 3 : 5, 0);
  for (size_t s = 0; s < series.size(); ++s) {
    Points points;
    for (size_t k = 0; k < at.size(); ++k) points.emplace_back(at[k], drawn[s].density[k]);
    chart.Area(points, 0, absl::StrCat("area ", series[s].classes));
    chart.Line(points, absl::StrCat("line ", series[s].classes));
  }
  DrawSilentShares(series, drawn, large, &chart);
  return absl::StrCat("<figure><figcaption><b>", Escape(name), "</b> ", caption, "</figcaption>",
                      chart.Html(), "</figure>\n");
}

}  // namespace unlasting::report
