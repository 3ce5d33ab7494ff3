#include "core/report/score_tables.h"

#include <cmath>
#include <limits>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/evaluate/calibration.h"
#include "core/evaluate/verdict.h"
#include "core/report/html.h"
#include "core/report/overview.h"

namespace unlasting::report {
namespace {

using evaluate::GroupScores;
using evaluate::Scorecard;
using evaluate::Scores;

using evaluate::Intervals;

// Scores and intervals of each method, the model's first; null where a group lacks the method.
struct Method {
  const Scores* scores = nullptr;
  const Intervals* intervals = nullptr;
};
using Row = std::vector<Method>;

// How far a score is from its best value; what is marked as best is the least of it.
double Loss(const std::string& score, double value) {
  for (const char* higher : {"pearson", "de_overlap", "discrimination", "bimodal_agreement",
                             "correlation_agreement", "weighted_r2"}) {
    if (absl::StartsWith(score, higher)) return -value;
  }
  if (absl::StartsWith(score, "auc_")) return std::abs(value - 0.5);
  if (absl::StartsWith(score, "active_genes_")) return std::abs(value - 1);
  return value;
}

double At(const Scores* scores, const std::string& name) {
  if (scores == nullptr) return std::numeric_limits<double>::quiet_NaN();
  const auto it = scores->find(name);
  return it == scores->end() ? std::numeric_limits<double>::quiet_NaN() : it->second;
}

Row RowOf(const Method& model, const std::map<std::string, Scores>& baselines,
          const std::map<std::string, Intervals>& intervals,
          const std::vector<std::string>& methods) {
  Row row = {model};
  for (const std::string& name : methods) {
    Method method;
    if (const auto it = baselines.find(name); it != baselines.end()) method.scores = &it->second;
    if (const auto it = intervals.find(name); it != intervals.end()) method.intervals = &it->second;
    row.push_back(method);
  }
  return row;
}

// "0.81 – 0.95" in small print; "" where there is none.
std::string IntervalText(const Intervals* intervals, const std::string& score) {
  if (intervals == nullptr) return "";
  const auto it = intervals->find(score);
  if (it == intervals->end() || std::isnan(it->second.low)) return "";
  return absl::StrCat("<small>", Decimal(it->second.low, 3), " – ", Decimal(it->second.high, 3),
                      "</small>");
}

// Cells of one row; the best is marked among the first `contenders`.
std::string Cells(const Row& row, const std::string& score, size_t contenders) {
  double best = std::numeric_limits<double>::quiet_NaN();
  for (size_t k = 0; k < contenders; ++k) {
    const double value = At(row[k].scores, score);
    if (std::isnan(value)) continue;
    if (std::isnan(best) || Loss(score, value) < Loss(score, best)) best = value;
  }
  std::string html;
  for (size_t k = 0; k < row.size(); ++k) {
    const double value = At(row[k].scores, score);
    absl::StrAppend(&html, k < contenders && value == best ? "<td class=\"best\">" : "<td>",
                    Number(value), IntervalText(row[k].intervals, score), "</td>");
  }
  return html;
}

std::string Header(const std::string& first, const std::vector<std::string>& methods) {
  std::string html = absl::StrCat("<thead><tr><th>", first, "</th><th>model</th>");
  for (const std::string& method : methods) {
    absl::StrAppend(&html, "<th>", Escape(evaluate::ReadableName(method)), "</th>");
  }
  return html + "</tr></thead>\n";
}

std::string GroupTable(const Scorecard& card, const std::vector<std::string>& methods,
                       size_t contenders, const std::string& score, const std::string& title,
                       const std::string& note, bool with_cells) {
  std::string html = absl::StrCat("<figure class=\"table\"><figcaption><b>", title, "</b> ", note,
                                  "</figcaption><div class=\"scroll\"><table>\n",
                                  Header("group", methods), "<tbody>\n");
  for (const GroupScores* each : MostChangedFirst(card)) {
    const GroupScores& group = *each;
    absl::StrAppend(&html, "<tr><th>", Escape(evaluate::GroupName(group.key)));
    if (with_cells) {
      absl::StrAppend(&html, "<small>", Count(group.n_predicted), " predicted, ",
                      Count(group.n_true), " true, ", Count(group.n_control), " control</small>");
    }
    absl::StrAppend(&html, "</th>",
                    Cells(RowOf({&group.scores, &group.intervals}, group.baselines,
                                group.baseline_intervals, methods),
                          score, contenders),
                    "</tr>\n");
  }
  html += "</tbody>";
  // The mean of one group is the group.
  if (card.groups.size() > 1) {
    absl::StrAppend(&html, "<tfoot><tr><th>mean of ", card.groups.size(), "</th>",
                    Cells(RowOf({&card.mean, &card.mean_intervals}, card.baselines,
                                card.baseline_intervals, methods),
                          score, contenders),
                    "</tr></tfoot>");
  }
  return html + "</table></div></figure>\n";
}

std::string AllScores(const Scorecard& card, const std::vector<std::string>& methods,
                      size_t contenders) {
  std::string html = absl::StrCat(
      "<details><summary>Every score, mean over groups; range: how far a replicate gets from no "
      "change towards a perfect score, 1 is best</summary>"
      "<div class=\"scroll\"><table>\n",
      Header("score", methods), "<tbody>\n");
  const auto ranges = evaluate::Calibrate(card).dynamic_range;
  for (const auto& [score, unused] : card.mean) {
    const auto range = ranges.find(score);
    absl::StrAppend(
        &html, "<tr><th><code>", Escape(score), "</code>",
        range == ranges.end() ? "" : absl::StrFormat("<small>range %.2f</small>", range->second),
        "</th>",
        Cells(RowOf({&card.mean, &card.mean_intervals}, card.baselines, card.baseline_intervals,
                    methods),
              score, contenders),
        "</tr>\n");
  }
  return html + "</tbody></table></div></details>\n";
}

// Names the groups in which a model cannot show that it is better than a simple rule.
std::string Saturated(const Scorecard& card) {
  const auto solved_by = evaluate::Calibrate(card).solved_by;
  std::vector<std::string> names;
  for (size_t k = 0; k < card.groups.size(); ++k) {
    if (solved_by[k].empty()) continue;
    std::vector<std::string> rules;
    for (const std::string& rule : solved_by[k]) rules.push_back(evaluate::ReadableName(rule));
    names.push_back(absl::StrCat(Escape(evaluate::GroupName(card.groups[k].key)), " (",
                                 absl::StrJoin(rules, ", "), ")"));
  }
  if (names.empty()) return "";
  return absl::StrCat(
      "<p>Solved by a simple rule, which there scores no worse than one half of the true cells "
      "against the other: ",
      absl::StrJoin(names, "; "), ".</p>\n");
}

}  // namespace

std::string ScoreTablesSection(const Scorecard& card) {
  if (card.groups.empty()) return "";
  const std::vector<std::string> methods = evaluate::MethodsInOrder(card.baselines);
  const bool ceiling = !methods.empty() && methods.back() == "ceiling";
  const size_t contenders = methods.size() + (ceiling ? 0 : 1);
  return absl::StrCat(
      "<section><h2>Scores</h2>\n",
      GroupTable(card, methods, contenders, "e_distance.unbiased.all", "E-distance",
                 "unbiased, all genes; lower is nearer", true),
      GroupTable(card, methods, contenders, "emd.all", "EMD",
                 "mean 1-D Wasserstein distance over all genes; lower is nearer", false),
      GroupTable(card, methods, contenders, "pearson_delta.all", "Pearson delta",
                 "correlation of mean changes against control; higher is nearer", false),
      GroupTable(card, methods, contenders, "auc_knn.all", "Told from true cells",
                 "area under the curve of the 20 nearest cells; 0.5 is best, 1 says that every "
                 "predicted cell is recognised as predicted",
                 false),
      GroupTable(card, methods, contenders, "correlation_error.top50", "Correlation error",
                 "of pairs among 50 genes, across cells; lower is nearer", false),
      GroupTable(card, methods, contenders, "co_silence_error.top50", "Co-silence error",
                 "of the shares of cells that silence both genes of a pair; lower is nearer",
                 false),
      GroupTable(
          card, methods, contenders, "active_genes_spread.all", "Spread of active genes",
          "standard deviation of the number of active genes per cell, predicted over true; 1 "
          "is best",
          false),
      Saturated(card), AllScores(card, methods, contenders), "</section>\n");
}

}  // namespace unlasting::report
