#include "core/report/risk_section.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/evaluate/risk_coverage.h"
#include "core/report/chart.h"
#include "core/report/html.h"

namespace unlasting::report {
namespace {

using evaluate::GroupScores;

// asinh of an E-distance over this is drawn: E-distances span decades, and may be below 0.
constexpr double kLinear = 0.01;
constexpr size_t kMaxGroups = 300;

std::string Curve(const evaluate::RiskCoverage& risk) {
  double low = 0, high = 0;
  for (const auto& [unused, error] : risk.curve) {
    low = std::min(low, error);
    high = std::max(high, error);
  }
  // The luckiest few groups of the best order lie far below 0, where nothing is to be seen.
  Points best;
  for (const auto& [share, error] : risk.best) {
    if (error >= low) best.emplace_back(share, error);
  }
  Chart::Options options;
  options.width = 420;
  options.height = 250;
  options.label = "Mean E-distance of the groups that are answered, by their share";
  options.x_title = "share of the groups answered, surest first";
  options.y_title = "mean E-distance";
  Chart chart(options, {0, 1.02}, Padded(low, high));
  chart.Grid(5, 5);
  chart.Segment(chart.x()(1 - evaluate::kAbstained), chart.y().from,
                chart.x()(1 - evaluate::kAbstained), chart.y().to, "goal");
  chart.Segment(chart.x().from, chart.y()(risk.mean), chart.x().to, chart.y()(risk.mean), "goal");
  chart.Line(best, "line control");
  chart.Line(risk.curve, "line predicted");
  for (const auto& [share, error] : risk.curve) {
    if (risk.curve.size() > 60) break;
    chart.Marker(share, error, 3, "predicted",
                 absl::StrCat(Number(100 * share), " %: ", Number(error)));
  }
  return absl::StrCat("<figure><figcaption><b>Risk by coverage</b></figcaption>", chart.Html(),
                      "</figure>\n");
}

double OnAxis(double distance) { return std::asinh(distance / kLinear); }

// True against predicted error, with the interval of each group that has one.
std::string Intervals(const std::vector<const GroupScores*>& groups) {
  std::vector<double> values;
  for (const GroupScores* group : groups) {
    values.push_back(OnAxis(group->predicted->expected));
    values.push_back(OnAxis(group->scores.at("e_distance.unbiased.all")));
    if (!group->predicted->calibrated) continue;
    values.push_back(OnAxis(group->predicted->low));
    values.push_back(OnAxis(group->predicted->high));
  }
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  Chart::Options options;
  options.width = 420;
  options.height = 250;
  options.label = "True against predicted E-distance of each group, with its interval";
  options.x_title = "predicted E-distance";
  options.y_title = "true E-distance";
  const auto range = Padded(*low, *high);
  Chart chart(options, range, range);
  for (const double tick : {-1.0, -0.1, -0.01, 0.0, 0.01, 0.1, 1.0, 10.0, 100.0}) {
    const double at = OnAxis(tick);
    if (at < range.first || at > range.second) continue;
    chart.Segment(chart.x()(at), chart.y().from, chart.x()(at), chart.y().to, "grid");
    chart.Segment(chart.x().from, chart.y()(at), chart.x().to, chart.y()(at), "grid");
    chart.Text(chart.x()(at), chart.y().from + 15, TickLabel(tick), "middle");
    chart.Text(chart.x().from - 6, chart.y()(at) + 3.5, TickLabel(tick), "end");
  }
  chart.Segment(chart.x()(range.first), chart.y()(range.first), chart.x()(range.second),
                chart.y()(range.second), "goal");
  for (const GroupScores* group : groups) {
    const double x = OnAxis(group->predicted->expected);
    if (group->predicted->calibrated) {
      chart.Segment(chart.x()(x), chart.y()(OnAxis(group->predicted->low)), chart.x()(x),
                    chart.y()(OnAxis(group->predicted->high)), "interval");
    }
  }
  for (const GroupScores* group : groups) {
    const double error = group->scores.at("e_distance.unbiased.all");
    chart.Marker(
        OnAxis(group->predicted->expected), OnAxis(error), 3.5,
        group->predicted->calibrated ? "mark predicted" : "mark control",
        absl::StrCat(evaluate::GroupName(group->key), ", ", group->predicted->kind, ": predicted ",
                     Number(group->predicted->expected), ", true ", Number(error)));
  }
  return absl::StrCat("<figure><figcaption><b>Predicted and true errors</b></figcaption>",
                      chart.Html(), "</figure>\n");
}

}  // namespace

std::string RiskSection(const evaluate::Scorecard& card) {
  const evaluate::RiskCoverage risk = evaluate::RiskCoverageOf(card);
  if (risk.groups == 0) return "";
  std::vector<const GroupScores*> groups;
  for (const GroupScores& group : card.groups) {
    const auto error = group.scores.find("e_distance.unbiased.all");
    if (group.predicted.has_value() && error != group.scores.end() && !std::isnan(error->second) &&
        groups.size() < kMaxGroups) {
      groups.push_back(&group);
    }
  }
  return absl::StrCat(
      "<section><h2>How sure the model is</h2>\n<p>", Escape(evaluate::RiskCoverageText(risk)),
      "</p>\n<p class=\"note\">Left: the mean error of the answers that remain (orange), beside "
      "the "
      "best order there is (grey); dashed: 30 % left out, and the mean of all. Right: vertical "
      "bars "
      "are the model's intervals, made before the truth was looked at; grey dots are of kinds that "
      "are not calibrated; axes are linear within 0.01 of 0 and logarithmic beyond.</p>\n"
      "<div class=\"panels\">\n",
      Curve(risk), Intervals(groups), "</div></section>\n");
}

}  // namespace unlasting::report
