#include "core/report/distributions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/evaluate/column_statistics.h"
#include "core/evaluate/differential_expression.h"
#include "core/evaluate/dip.h"
#include "core/report/chart.h"
#include "core/report/html.h"
#include "core/report/label_placer.h"
#include "core/report/projection.h"

namespace unlasting::report {
namespace {

using evaluate::Group;

constexpr size_t kMaxGroups = 12;
constexpr int kGenesShown = 9;
constexpr int kCurvePoints = 80;

struct Series {
  const char* name;
  const char* classes;
};
constexpr std::array<Series, 3> kSeries = {
    {{"control", "control"}, {"true", "truth"}, {"predicted", "predicted"}}};

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

// How many modes the dip test finds in the true and the predicted cells, marked where they differ.
std::string Modes(const Group& group, int64_t gene) {
  const auto modes = [gene](const DenseMatrix& cells) {
    return evaluate::IsBimodal(evaluate::DipsOf(cells, {gene})[0], cells.rows) ? 2 : 1;
  };
  const int truth = modes(group.truth), predicted = modes(group.predicted);
  return absl::StrFormat("<span class=\"modes%s\">modes: true %d, predicted %d</span>",
                         truth == predicted ? "" : " differ", truth, predicted);
}

// Bars of silent shares on the left, densities of the active cells on the right.
std::string DistributionPanel(const Group& group, int64_t gene, const std::string& name,
                              double score) {
  const std::array<const DenseMatrix*, 3> cells = {&group.control, &group.truth, &group.predicted};
  std::array<std::vector<double>, 3> active;
  std::array<double, 3> silent{};
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (size_t s = 0; s < cells.size(); ++s) {
    active[s] = ActiveValues(*cells[s], gene);
    const double n = static_cast<double>(cells[s]->rows);
    silent[s] = 1 - static_cast<double>(active[s].size()) / n;
    for (const double value : active[s]) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  std::tie(low, high) = Padded(low, high);
  if (low > 0) low = 0;

  std::vector<double> at(kCurvePoints);
  for (int k = 0; k < kCurvePoints; ++k) at[k] = low + (high - low) * k / (kCurvePoints - 1);
  std::array<std::vector<double>, 3> density;
  double top = 0;
  for (size_t s = 0; s < cells.size(); ++s) {
    density[s] = Density(active[s], 1 - silent[s], at);
    top = std::max(top, *std::max_element(density[s].begin(), density[s].end()));
  }

  Chart::Options options;
  options.width = 262;
  options.height = 160;
  options.left = 86;
  options.top = 10;
  options.bottom = 34;
  options.x_title = "log1p expression of active cells";
  options.label = absl::StrCat("Distribution of ", name, " in control, true and predicted cells");
  Chart chart(options, {low, high}, {0, top > 0 ? top * 1.05 : 1});
  chart.Grid(5, 0);
  for (size_t s = 0; s < cells.size(); ++s) {
    Points points;
    for (size_t k = 0; k < at.size(); ++k) points.emplace_back(at[k], density[s][k]);
    chart.Area(points, 0, std::string("area ") + kSeries[s].classes);
    chart.Line(points, std::string("line ") + kSeries[s].classes);
  }
  const double base = chart.y().from;
  const double full = base - chart.y().to - 12;  // height of a share of 1; a label fits above
  chart.Segment(8, base, 78, base, "axis");
  for (size_t s = 0; s < cells.size(); ++s) {
    const double x = 11 + 22 * static_cast<double>(s);
    chart.Rectangle(x, base - full, 20, full, "track");
    chart.Rectangle(x, base - full * silent[s], 20, full * silent[s],
                    std::string("bar ") + kSeries[s].classes);
    chart.Text(x + 10, base - full * silent[s] - 3, absl::StrFormat("%.0f%%", 100 * silent[s]),
               "middle", "share");
  }
  chart.Text(43, base + 15, "silent", "middle");
  return absl::StrCat("<figure><figcaption><b>", Escape(name), "</b> ",
                      score == 0 ? "" : absl::StrCat("t = ", Decimal(score, 1)), Modes(group, gene),
                      "</figcaption>", chart.Html(), "</figure>\n");
}

// Font sizes of the classes gene-name and annotation, in page units.
constexpr double kGeneNameSize = 11, kAnnotationSize = 12.5;
constexpr double kMarkRadius = 3.5;

std::string Scatter(const std::vector<double>& truth, const std::vector<double>& predicted,
                    const std::vector<int64_t>& marked, const std::vector<std::string>& genes) {
  double low = 0, high = 0;
  Points points;
  for (size_t g = 0; g < truth.size(); ++g) {
    low = std::min({low, truth[g], predicted[g]});
    high = std::max({high, truth[g], predicted[g]});
    points.emplace_back(truth[g], predicted[g]);
  }
  Chart::Options options;
  options.width = 330;
  options.height = 300;
  options.x_title = "true mean change against control";
  options.y_title = "predicted mean change";
  options.label = "Mean change of every gene, predicted against true";
  options.left = 54;
  const auto range = Padded(low, high);
  Chart chart(options, range, range);
  chart.Grid(5, 5);
  chart.Segment(chart.x()(range.first), chart.y()(range.first), chart.x()(range.second),
                chart.y()(range.second), "goal");
  chart.Dots(points, "gene");
  const double r = evaluate::Pearson(truth, predicted);
  const std::string annotation =
      std::isnan(r) ? "Pearson undefined" : absl::StrCat("Pearson r = ", Decimal(r, 3));
  const double left = chart.x().from + 8, baseline = chart.y().to + 14;
  LabelPlacer placer({chart.x().from, chart.y().to, chart.x().to, chart.y().from});
  placer.Reserve(TextBox(annotation, kAnnotationSize, left, baseline));
  for (const int64_t g : marked) {
    const double x = chart.x()(truth[g]), y = chart.y()(predicted[g]);
    placer.Reserve({x - kMarkRadius, y - kMarkRadius, x + kMarkRadius, y + kMarkRadius});
    chart.Marker(
        truth[g], predicted[g], kMarkRadius, "mark predicted",
        absl::StrCat(genes[g], ": true ", Number(truth[g]), ", predicted ", Number(predicted[g])));
  }
  for (const int64_t g : marked) {
    const auto label = placer.Place(chart.x()(truth[g]), chart.y()(predicted[g]), kMarkRadius,
                                    genes[g], kGeneNameSize);
    if (!label) continue;
    chart.Text(label->x, label->baseline, genes[g], label->anchor, "gene-name");
  }
  chart.Text(left, baseline, annotation, "start", "annotation");
  return absl::StrCat(
      "<figure class=\"scatter\"><figcaption><b>Mean change per gene</b> dashed: equal"
      "</figcaption>",
      chart.Html(), "</figure>\n");
}

std::vector<double> Minus(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> difference(a);
  for (size_t g = 0; g < a.size(); ++g) difference[g] -= b[g];
  return difference;
}

double LengthOf(const std::vector<double>& change) {
  double sum = 0;
  for (const double value : change) sum += value * value;
  return sum;
}

std::string GroupCard(const Group& group, const std::vector<std::string>& genes) {
  const std::vector<double> control = evaluate::StatisticsOf(group.control).mean;
  const std::vector<double> truth = Minus(evaluate::StatisticsOf(group.truth).mean, control);
  const std::vector<double> predicted =
      Minus(evaluate::StatisticsOf(group.predicted).mean, control);
  evaluate::DifferentialExpression ranking = evaluate::RankGenes(group.truth, group.control);
  const bool tested = group.truth.rows > 1 && group.control.rows > 1;
  // A single cell cannot be tested: its largest changes take the place of the scores.
  std::vector<double> scores = ranking.score;
  if (!tested) ranking.score = truth;
  const std::vector<int64_t> top = evaluate::TopGenes(ranking, kGenesShown);
  std::string panels;
  for (const int64_t g : top) {
    absl::StrAppend(&panels, DistributionPanel(group, g, genes[g], scores[g]));
  }
  return absl::StrCat("<article><h3>", Escape(evaluate::GroupName(group.key)), "</h3>\n<p>",
                      Count(group.control.rows), " control, ", Count(group.truth.rows),
                      " true and ", Count(group.predicted.rows),
                      " predicted cells</p>\n<div class=\"group\"><div>",
                      Scatter(truth, predicted, top, genes), EmbeddingFigure(group),
                      "</div><div class=\"panels small\">", panels, "</div></div></article>\n");
}

}  // namespace

void GroupCards::Add(const Group& group, const std::vector<std::string>& genes) {
  if (group.truth.cols != static_cast<int64_t>(genes.size())) return;
  ++seen_;
  const double change = LengthOf(
      Minus(evaluate::StatisticsOf(group.truth).mean, evaluate::StatisticsOf(group.control).mean));
  const auto place = std::find_if(cards_.begin(), cards_.end(),
                                  [change](const auto& card) { return card.first < change; });
  if (place == cards_.end() && cards_.size() == kMaxGroups) return;
  cards_.insert(place, {change, GroupCard(group, genes)});
  if (cards_.size() > kMaxGroups) cards_.pop_back();
}

std::string GroupCards::Section() const {
  if (cards_.empty()) return "";
  std::string html =
      "<section><h2>Genes</h2>\n<p class=\"legend\"><i class=\"key control\"></i>control "
      "<i class=\"key truth\"></i>true <i class=\"key predicted\"></i>predicted</p>\n"
      "<p class=\"note\">The nine genes that a Welch t-test of true cells against control finds "
      "most changed. Bars: share of silent cells. Curves: density of the active cells, its area "
      "their share.";
  if (cards_.size() < seen_) {
    absl::StrAppend(&html, " Shown are the ", cards_.size(), " most changed of ", seen_,
                    " groups.");
  }
  absl::StrAppend(&html, "</p>\n");
  for (const auto& [unused, card] : cards_) html += card;
  return html + "</section>\n";
}

}  // namespace unlasting::report
