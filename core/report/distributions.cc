#include "core/report/distributions.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/evaluate/column_statistics.h"
#include "core/evaluate/differential_expression.h"
#include "core/evaluate/dip.h"
#include "core/report/chart.h"
#include "core/report/density_panel.h"
#include "core/report/html.h"
#include "core/report/label_placer.h"
#include "core/report/projection.h"

namespace unlasting::report {
namespace {

using evaluate::Group;

constexpr size_t kMaxGroups = 12;
constexpr int kGenesShown = 9;

// How many modes the dip test finds in the true and the predicted cells, marked where they differ.
std::string Modes(const Group& group, int64_t gene) {
  const auto modes = [gene](const DenseMatrix& cells) {
    return evaluate::IsBimodal(evaluate::DipsOf(cells, {gene})[0], cells.rows) ? 2 : 1;
  };
  const int truth = modes(group.truth), predicted = modes(group.predicted);
  return absl::StrFormat("<span class=\"modes%s\">modes: true %d, predicted %d</span>",
                         truth == predicted ? "" : " differ", truth, predicted);
}

std::string DistributionPanel(const Group& group, int64_t gene, const std::string& name,
                              double score) {
  return DensityPanel(
      {{"control", "control", &group.control},
       {"true", "truth", &group.truth},
       {"predicted", "predicted", &group.predicted}},
      gene, name,
      absl::StrCat(score == 0 ? "" : absl::StrCat("t = ", Decimal(score, 1)), Modes(group, gene)),
      false);
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
