#include "core/report/dose_response.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/evaluate/column_statistics.h"
#include "core/evaluate/differential_expression.h"
#include "core/report/chart.h"
#include "core/report/html.h"

namespace unlasting::report {
namespace {

using evaluate::ColumnStatistics;
using evaluate::Group;

constexpr size_t kMostDrugs = 8;
constexpr int kGenesShown = 4;

// One dose: log10 of micromolar, and what the genes do there.
struct Dose {
  const Group* group;
  double log_dose;
  ColumnStatistics truth;
  ColumnStatistics predicted;
};

struct Curve {
  const char* classes;
  ColumnStatistics Dose::*statistics;
  const DenseMatrix Group::*cells;
};
constexpr Curve kCurves[] = {{"truth", &Dose::truth, &Group::truth},
                             {"predicted", &Dose::predicted, &Group::predicted}};

// Half the width of the 95 % interval of a mean; 0 for one cell.
double HalfWidth(double variance, int64_t cells) {
  return std::isnan(variance) ? 0 : 1.96 * std::sqrt(variance / static_cast<double>(cells));
}

std::string GenePanel(const std::vector<Dose>& doses, int64_t gene, const std::string& name) {
  double low = HUGE_VAL, high = -HUGE_VAL, control = 0;
  for (const Dose& dose : doses) {
    control += evaluate::StatisticsOf(SelectColumns(dose.group->control, {gene})).mean[0] /
               static_cast<double>(doses.size());
    for (const Curve& curve : kCurves) {
      const ColumnStatistics& statistics = dose.*curve.statistics;
      const double half = HalfWidth(statistics.variance[gene], (dose.group->*curve.cells).rows);
      low = std::min(low, statistics.mean[gene] - half);
      high = std::max(high, statistics.mean[gene] + half);
    }
  }
  Chart::Options options;
  options.width = 262;
  options.height = 190;
  options.x_title = "dose (µM)";
  options.y_title = "mean log1p";
  options.label = absl::StrCat("Mean of ", name, " by dose, true and predicted");
  Chart chart(options, Padded(doses.front().log_dose, doses.back().log_dose),
              Padded(std::min(low, control), std::max(high, control)));
  chart.Grid(0, 4);
  for (const Dose& dose : doses) {
    chart.Text(chart.x()(dose.log_dose), chart.y().from + 15,
               TickLabel(std::pow(10.0, dose.log_dose)), "middle");
  }
  chart.Segment(chart.x().from, chart.y()(control), chart.x().to, chart.y()(control), "goal");
  for (const Curve& curve : kCurves) {
    Points points;
    for (const Dose& dose : doses) {
      const ColumnStatistics& statistics = dose.*curve.statistics;
      const double mean = statistics.mean[gene];
      const double half = HalfWidth(statistics.variance[gene], (dose.group->*curve.cells).rows);
      const double x = chart.x()(dose.log_dose);
      chart.Segment(x, chart.y()(mean - half), x, chart.y()(mean + half),
                    absl::StrCat("whisker ", curve.classes));
      points.emplace_back(dose.log_dose, mean);
    }
    chart.Line(points, absl::StrCat("line ", curve.classes));
    for (const auto& [x, y] : points) {
      chart.Marker(x, y, 3, absl::StrCat("mark ", curve.classes), Number(y));
    }
  }
  return absl::StrCat("<figure><figcaption><b>", Escape(name), "</b></figcaption>", chart.Html(),
                      "</figure>\n");
}

// The genes of the dose where the true cells moved most.
std::vector<int64_t> GenesOf(const std::vector<Dose>& doses) {
  double most = -1;
  evaluate::DifferentialExpression strongest;
  for (const Dose& dose : doses) {
    evaluate::DifferentialExpression de =
        evaluate::RankGenes(dose.group->truth, dose.group->control);
    double change = 0;
    for (const double score : de.score) change += std::abs(score);
    if (change > most) {
      most = change;
      strongest = std::move(de);
    }
  }
  return evaluate::TopGenes(strongest, kGenesShown);
}

}  // namespace

std::string DoseResponseSection(const std::vector<Group>& groups,
                                const std::vector<std::string>& genes) {
  std::map<std::string, std::vector<Dose>> drugs;
  for (const Group& group : groups) {
    if (group.drug.empty() || !(group.dose_um > 0)) continue;
    if (group.truth.cols != static_cast<int64_t>(genes.size())) continue;
    auto key = group.key;
    key["condition"] = group.drug;
    drugs[evaluate::GroupName(key)].push_back({&group, std::log10(group.dose_um),
                                               evaluate::StatisticsOf(group.truth),
                                               evaluate::StatisticsOf(group.predicted)});
  }
  std::string cards;
  size_t shown = 0, found = 0;
  for (auto& [name, doses] : drugs) {
    if (doses.size() < 2) continue;
    if (++found > kMostDrugs) continue;
    ++shown;
    std::sort(doses.begin(), doses.end(),
              [](const Dose& a, const Dose& b) { return a.log_dose < b.log_dose; });
    absl::StrAppend(&cards, "<article><h3>", Escape(name), "</h3><div class=\"panels\">");
    for (const int64_t gene : GenesOf(doses)) {
      absl::StrAppend(&cards, GenePanel(doses, gene, genes[gene]));
    }
    absl::StrAppend(&cards, "</div></article>\n");
  }
  if (cards.empty()) return "";
  return absl::StrCat(
      "<section><h2>Dose response</h2>\n<p class=\"legend\"><i class=\"key truth\"></i>true "
      "<i class=\"key predicted\"></i>predicted</p><p class=\"note\">Mean expression of the four "
      "genes that a test finds most changed at the strongest dose; bars: 95 % interval of the "
      "mean; "
      "dashed: control cells.",
      shown < found ? absl::StrCat(" Shown are ", shown, " of ", found, " drugs.") : "", "</p>\n",
      cards, "</section>\n");
}

}  // namespace unlasting::report
