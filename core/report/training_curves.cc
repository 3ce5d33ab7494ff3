#include "core/report/training_curves.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/report/chart.h"
#include "core/report/html.h"

namespace unlasting::report {
namespace {

using nlohmann::json;

constexpr size_t kMaxPoints = 400;

Points Series(const std::vector<json>& lines, const std::string& key) {
  Points points;
  for (const json& line : lines) {
    if (!line.is_object() || !line.contains("step") || !line.contains(key)) continue;
    if (!line["step"].is_number() || !line[key].is_number()) continue;
    const double step = line["step"].get<double>(), value = line[key].get<double>();
    if (std::isfinite(step) && std::isfinite(value)) points.emplace_back(step, value);
  }
  return points;
}

// Means of equal runs of points.
Points Thinned(const Points& points) {
  const size_t run = (points.size() + kMaxPoints - 1) / kMaxPoints;
  if (run <= 1) return points;
  Points thinned;
  for (size_t first = 0; first < points.size(); first += run) {
    const size_t last = std::min(first + run, points.size());
    double x = 0, y = 0;
    for (size_t k = first; k < last; ++k) {
      x += points[k].first;
      y += points[k].second;
    }
    thinned.emplace_back(x / static_cast<double>(last - first),
                         y / static_cast<double>(last - first));
  }
  return thinned;
}

struct Curve {
  Points points;
  std::string name;
  std::string classes;
};

// `goals` are values that a healthy run comes to, drawn as dashed lines.
std::string Panel(const std::string& title, const std::vector<Curve>& curves, bool logarithmic,
                  const std::vector<double>& goals) {
  double x_low = HUGE_VAL, x_high = -HUGE_VAL, y_low = HUGE_VAL, y_high = -HUGE_VAL;
  for (const double goal : goals) {
    y_low = std::min(y_low, goal);
    y_high = std::max(y_high, goal);
  }
  std::string last;
  size_t longest = 0;
  for (const Curve& curve : curves) {
    for (const auto& [x, y] : curve.points) {
      x_low = std::min(x_low, x);
      x_high = std::max(x_high, x);
      y_low = std::min(y_low, y);
      y_high = std::max(y_high, y);
    }
    longest = std::max(longest, curve.points.size());
    if (curve.points.empty()) continue;
    absl::StrAppend(&last, last.empty() ? "" : ", ", curve.name, curve.name.empty() ? "" : " ",
                    Number(curve.points.back().second));
  }
  if (longest == 0) return "";
  logarithmic = logarithmic && y_low > 0;
  std::pair<double, double> y_range = Padded(y_low, y_high);
  if (logarithmic) y_range = {y_low / 1.08, y_high * 1.08};
  Chart::Options options;
  options.width = 300;
  options.height = 220;
  options.left = 58;
  options.right = 30;  // half of the last step is written there
  options.bottom = 46;
  options.large = true;
  options.x_title = "step";
  options.label = absl::StrCat(title, " by training step");
  Chart chart(options, longest > 1 ? std::pair{x_low, x_high} : Padded(x_low, x_high), y_range,
              logarithmic);
  chart.Grid(longest > 1 ? 4 : 0, 4);
  if (longest == 1)
    chart.Text(chart.x()((x_low + x_high) / 2), chart.y().from + 18, TickLabel(x_low), "middle");
  for (const double goal : goals) {
    chart.Segment(chart.x().from, chart.y()(goal), chart.x().to, chart.y()(goal), "goal");
  }
  for (const Curve& curve : curves) {
    const Points points = Thinned(curve.points);
    chart.Line(points, "line " + curve.classes);
    if (points.size() <= 12) {
      for (const auto& [x, y] : points) chart.Marker(x, y, 3, curve.classes, Number(y));
    }
  }
  return absl::StrCat("<figure><figcaption><b>", Escape(title), "</b> last: ", Escape(last),
                      "</figcaption>", chart.Html(), "</figure>\n");
}

// The scores of some cells by training step, as trainer/training logs them.
std::string ScorePanels(const std::vector<json>& lines, const std::string& prefix,
                        const std::string& title) {
  const auto panel = [&](const char* name, const char* score) {
    return Panel(absl::StrCat(title, name),
                 {{Series(lines, absl::StrCat(prefix, "_", score)), "", "predicted"}}, false, {});
  };
  return absl::StrCat(panel("E-distance", "e_distance"), panel("EMD", "emd"),
                      panel("correlation agreement", "correlation_agreement"));
}

}  // namespace

std::string TrainingSection(const std::vector<json>& lines) {
  Points deviation = Series(lines, "latent_std");
  if (deviation.empty()) deviation = Series(lines, "latent_deviation");
  const std::string panels =
      absl::StrCat(Panel("Denoiser loss", {{Series(lines, "loss"), "", "predicted"}}, true, {}),
                   Panel("Mask loss", {{Series(lines, "mask_loss"), "", "predicted"}}, false, {}),
                   Panel("Latents of control cells",
                         {{Series(lines, "latent_mean"), "mean", "control"},
                          {deviation, "deviation", "predicted"}},
                         false, {0, 1}),
                   ScorePanels(lines, "validation", "Validation "));
  const std::string scores = ScorePanels(lines, "held_out", "Held-out ");
  if (panels.empty() && scores.empty()) return "";
  std::string section = "<section><h2>Training</h2>\n";
  if (!scores.empty()) {
    absl::StrAppend(
        &section,
        "<p class=\"note\">A few held-out cells, scored while the denoiser trained. Step 0 is the "
        "untrained network, which leaves the expected response alone. No mask is applied and no "
        "mean "
        "met, so that the scores of the finished model, above, are others. Nothing was chosen by "
        "them.</p>\n<div class=\"panels\">\n",
        scores, "</div>\n");
  }
  absl::StrAppend(&section,
                  "<p class=\"note\">Latents should be standard normal: mean 0 and deviation 1 "
                  "(dashed).</p>\n<div class=\"panels\">\n",
                  panels, "</div></section>\n");
  return section;
}

}  // namespace unlasting::report
