#include "core/report/dose_response.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/evaluate/differential_expression.h"
#include "core/report/chart.h"
#include "core/report/html.h"

namespace unlasting::report {
namespace {

using evaluate::Group;
using Dose = DoseResponses::Dose;
using Response = DoseResponses::Response;

constexpr size_t kMaxDrugs = 8;
constexpr int kGenesShown = 4;

bool ByDose(const Dose& a, const Dose& b) { return a.log_dose < b.log_dose; }

void AddCurve(const std::vector<Dose>& doses, int64_t gene, const std::string& classes,
              Chart* chart) {
  Points points;
  for (const Dose& dose : doses) {
    const double x = chart->x()(dose.log_dose), mean = dose.Mean(gene);
    const double half = dose.HalfWidth(gene);
    chart->Segment(x, chart->y()(mean - half), x, chart->y()(mean + half),
                   absl::StrCat("whisker ", classes));
    points.emplace_back(dose.log_dose, mean);
  }
  chart->Line(points, absl::StrCat("line ", classes));
  for (const Dose& dose : doses) {
    const double mean = dose.Mean(gene);
    chart->Marker(dose.log_dose, mean, dose.trained ? 2.6 : 3.4,
                  absl::StrCat(dose.trained ? "trained " : "mark ", classes), Number(mean));
  }
}

std::string GenePanel(const Response& response, int64_t gene, const std::string& name) {
  double control = 0;
  for (const auto& mean : response.control) {
    control += mean[gene] / static_cast<double>(response.control.size());
  }
  double low = control, high = control;
  for (const auto* doses : {&response.truth, &response.predicted}) {
    for (const Dose& dose : *doses) {
      low = std::min(low, dose.Mean(gene) - dose.HalfWidth(gene));
      high = std::max(high, dose.Mean(gene) + dose.HalfWidth(gene));
    }
  }
  Chart::Options options;
  options.width = 262;
  options.height = 190;
  options.x_title = "dose (µM)";
  options.y_title = "mean log1p";
  options.label = absl::StrCat("Mean of ", name, " by dose, true and predicted");
  Chart chart(options, Padded(response.truth.front().log_dose, response.truth.back().log_dose),
              Padded(low, high));
  chart.Grid(0, 4);
  for (const Dose& dose : response.truth) {
    chart.Text(chart.x()(dose.log_dose), chart.y().from + 15,
               TickLabel(std::pow(10.0, dose.log_dose)), "middle");
  }
  chart.Segment(chart.x().from, chart.y()(control), chart.x().to, chart.y()(control), "goal");
  AddCurve(response.truth, gene, "truth", &chart);
  AddCurve(response.predicted, gene, "predicted", &chart);
  return absl::StrCat("<figure><figcaption><b>", Escape(name), "</b></figcaption>", chart.Html(),
                      "</figure>\n");
}

// With the doses that training saw and no group scored, in order.
Response Completed(Response response, const std::string& name,
                   const std::vector<TrainedDose>& trained, size_t genes) {
  auto& truth = response.truth;
  for (const TrainedDose& dose : trained) {
    if (evaluate::GroupName({{"condition", dose.drug}, {"cell_type", dose.cell_type}}) != name) {
      continue;
    }
    if (!(dose.dose_um > 0) || dose.statistics.mean.size() != genes) continue;
    const double log_dose = std::log10(dose.dose_um);
    const bool scored = std::any_of(truth.begin(), truth.end(), [log_dose](const Dose& known) {
      return !known.trained && std::abs(known.log_dose - log_dose) < 1e-9;
    });
    if (!scored) truth.push_back({log_dose, dose.cells, true, dose.statistics});
  }
  std::sort(truth.begin(), truth.end(), ByDose);
  std::sort(response.predicted.begin(), response.predicted.end(), ByDose);
  return response;
}

}  // namespace

double DoseResponses::Dose::HalfWidth(int64_t gene) const {
  const double variance = statistics.variance[gene];
  return std::isnan(variance) ? 0 : 1.96 * std::sqrt(variance / static_cast<double>(cells));
}

void DoseResponses::Add(const Group& group, const std::vector<std::string>& genes) {
  if (group.drug.empty() || !(group.dose_um > 0)) return;
  if (group.truth.cols != static_cast<int64_t>(genes.size())) return;
  auto key = group.key;
  key["condition"] = group.drug;
  Response& response = responses_[evaluate::GroupName(key)];
  const double log_dose = std::log10(group.dose_um);
  response.truth.push_back(
      {log_dose, group.truth.rows, false, evaluate::StatisticsOf(group.truth)});
  response.predicted.push_back(
      {log_dose, group.predicted.rows, false, evaluate::StatisticsOf(group.predicted)});
  response.control.push_back(evaluate::StatisticsOf(group.control).mean);
  const evaluate::DifferentialExpression ranking = evaluate::RankGenes(group.truth, group.control);
  double change = 0;
  for (const double score : ranking.score) change += std::abs(score);
  if (!(change > response.max_change)) return;
  response.max_change = change;
  response.genes = evaluate::TopGenes(ranking, kGenesShown);
}

std::string DoseResponses::Section(const std::vector<TrainedDose>& trained,
                                   const std::vector<std::string>& genes) const {
  std::string cards;
  size_t shown = 0, found = 0;
  for (const auto& [name, scored] : responses_) {
    const Response response = Completed(scored, name, trained, genes.size());
    if (response.truth.size() < 2) continue;
    if (++found > kMaxDrugs) continue;
    ++shown;
    absl::StrAppend(&cards, "<article><h3>", Escape(name), "</h3><div class=\"panels\">");
    for (const int64_t gene : response.genes) {
      absl::StrAppend(&cards, GenePanel(response, gene, genes[gene]));
    }
    absl::StrAppend(&cards, "</div></article>\n");
  }
  if (cards.empty()) return "";
  return absl::StrCat(
      "<section><h2>Dose response</h2>\n<p class=\"legend\"><i class=\"key truth\"></i>true "
      "<i class=\"key predicted\"></i>predicted</p><p class=\"note\">Mean expression of the four "
      "genes that a test finds most changed at the strongest scored dose; bars: 95 % interval of "
      "the mean; rings: doses that training saw; dashed: control cells.",
      shown < found ? absl::StrCat(" Shown are ", shown, " of ", found, " drugs.") : "", "</p>\n",
      cards, "</section>\n");
}

}  // namespace unlasting::report
