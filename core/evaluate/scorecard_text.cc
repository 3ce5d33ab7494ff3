#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/evaluate/calibration.h"
#include "core/evaluate/risk_coverage.h"
#include "core/evaluate/scorecard.h"
#include "core/evaluate/verdict.h"

namespace unlasting::evaluate {
namespace {

using nlohmann::json;

json ToJson(const Scores& scores) {
  json object = json::object();
  for (const auto& [name, value] : scores) {
    object[name] = std::isfinite(value) ? json(value) : json(nullptr);
  }
  return object;
}

json ToJson(const std::map<std::string, Scores>& baselines) {
  json object = json::object();
  for (const auto& [name, scores] : baselines) object[name] = ToJson(scores);
  return object;
}

json ToJson(const Intervals& intervals) {
  json object = json::object();
  for (const auto& [name, interval] : intervals) {
    object[name] = std::isnan(interval.low) ? json(nullptr) : json{interval.low, interval.high};
  }
  return object;
}

json ToJson(const std::map<std::string, Intervals>& baselines) {
  json object = json::object();
  for (const auto& [name, intervals] : baselines) object[name] = ToJson(intervals);
  return object;
}

json ToJson(const std::map<std::string, std::map<std::string, Difference>>& differences) {
  json object = json::object();
  for (const auto& [baseline, scores] : differences) {
    for (const auto& [name, difference] : scores) {
      const Interval& interval = difference.interval;
      if (std::isnan(interval.low)) continue;
      object[baseline][name] = {
          {"value", difference.value}, {"low", interval.low}, {"high", interval.high}};
    }
  }
  return object;
}

json ToJson(const std::vector<RankedGene>& ranking, const std::vector<std::string>& genes) {
  json list = json::array();
  for (const RankedGene& gene : ranking) {
    list.push_back({{"gene", genes.at(gene.column)},
                    {"score", gene.score},
                    {"log2_fold_change", gene.log2_fold_change},
                    {"p_value", gene.p_value},
                    {"p_adjusted", gene.p_adjusted}});
  }
  return list;
}

struct ColumnOfTable {
  const char* title;
  const char* score;
  bool interval = false;  // stands beside it
};
constexpr ColumnOfTable kColumns[] = {
    {"E all", "e_distance.unbiased.all", true},
    {"E DE20", "e_distance.unbiased.de20"},
    {"E DE40", "e_distance.unbiased.de40"},
    {"EMD all", "emd.all", true},
    {"EMD DE20", "emd.de20"},
    {"EMD DE40", "emd.de40"},
    {"Pearson", "pearson_delta.all"},
    {"AUC kNN", "auc_knn.all"},
    {"corr", "correlation_error.top50"},
    {"co-sil", "co_silence_error.top50"},
    {"spread", "active_genes_spread.all"},
};

std::string Cell(const Scores& scores, const std::string& name) {
  const auto it = scores.find(name);
  if (it == scores.end() || std::isnan(it->second)) return "-";
  return absl::StrFormat("%.4f", it->second);
}

std::string Cell(const Intervals& intervals, const std::string& name) {
  const auto it = intervals.find(name);
  if (it == intervals.end() || std::isnan(it->second.low)) return "-";
  return absl::StrFormat("%.3f..%.3f", it->second.low, it->second.high);
}

using Line = std::vector<std::string>;

Line MakeLine(std::string group, std::string method, std::string cells, const Scores& scores,
              const Intervals& intervals, bool with_intervals) {
  Line line = {std::move(group), std::move(method), std::move(cells)};
  for (const auto& column : kColumns) {
    line.push_back(Cell(scores, column.score));
    if (column.interval && with_intervals) line.push_back(Cell(intervals, column.score));
  }
  return line;
}

const Intervals& IntervalsOf(const std::map<std::string, Intervals>& baselines,
                             const std::string& method) {
  static const Intervals none;
  const auto it = baselines.find(method);
  return it == baselines.end() ? none : it->second;
}

// Code points, so that names beyond ASCII do not shift the columns.
size_t Width(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

// Two columns of text on the left, numbers on the right; an empty line becomes a rule.
std::string Align(const std::vector<Line>& lines) {
  std::vector<size_t> widths(lines.front().size(), 0);
  for (const Line& line : lines) {
    for (size_t k = 0; k < line.size(); ++k) widths[k] = std::max(widths[k], Width(line[k]));
  }
  size_t total = 2 * (widths.size() - 1);
  for (const size_t width : widths) total += width;
  std::string text;
  for (const Line& line : lines) {
    if (line.empty()) {
      absl::StrAppend(&text, std::string(total, '-'), "\n");
      continue;
    }
    std::string row;
    for (size_t k = 0; k < line.size(); ++k) {
      const std::string padding(widths[k] - Width(line[k]), ' ');
      absl::StrAppend(&row, k == 0 ? "" : "  ", k < 2 ? line[k] + padding : padding + line[k]);
    }
    row.erase(row.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, row, "\n");
  }
  return text;
}

json ToJson(const PredictedDistance& predicted) {
  json object = {{"kind", predicted.kind},
                 {"expected", predicted.expected},
                 {"calibrated", predicted.calibrated},
                 {"left_out", predicted.left_out}};
  if (predicted.calibrated) object["interval"] = {predicted.low, predicted.high};
  return object;
}

json ToJson(const RiskCoverage& risk) {
  return {{"groups", risk.groups},
          {"mean", risk.mean},
          {"abstained", risk.abstained},
          {"curve", risk.curve},
          {"intervals", risk.intervals},
          {"covered", risk.covered},
          {"covered_interval", {risk.covered_low, risk.covered_high}}};
}

std::string RiskText(const RiskCoverage& risk) {
  const std::string text = RiskCoverageText(risk);
  return text.empty() ? "" : absl::StrCat(text, "\n");
}

}  // namespace

std::string GroupName(const std::map<std::string, std::string>& key) {
  std::string name;
  const auto condition = key.find("condition");
  if (condition != key.end()) name = condition->second;
  for (const auto& [field, value] : key) {
    if (field == "condition") continue;
    absl::StrAppend(&name, name.empty() ? "" : " / ", value);
  }
  return name;
}

json Scorecard::ToJson(const std::vector<std::string>& genes) const {
  json object;
  object["groups"] = json::array();
  for (const GroupScores& group : groups) {
    object["groups"].push_back(
        {{"key", group.key},
         {"n_predicted", group.n_predicted},
         {"n_true", group.n_true},
         {"n_control", group.n_control},
         {"scores", evaluate::ToJson(group.scores)},
         {"baselines", evaluate::ToJson(group.baselines)},
         {"interpolated_duplicate", evaluate::ToJson(group.interpolated_duplicate)}});
    if (!group.trained.empty()) object["groups"].back()["trained"] = group.trained;
    if (!group.baselines_from.empty()) {
      object["groups"].back()["baselines_from"] = group.baselines_from;
    }
    if (group.predicted.has_value()) {
      object["groups"].back()["predicted_error"] = evaluate::ToJson(*group.predicted);
    }
    if (!genes.empty()) {
      object["groups"].back()["most_changed"] = evaluate::ToJson(group.most_changed, genes);
    }
    if (group.intervals.empty()) continue;
    object["groups"].back()["intervals"] = evaluate::ToJson(group.intervals);
    object["groups"].back()["baseline_intervals"] = evaluate::ToJson(group.baseline_intervals);
  }
  object["mean"] = evaluate::ToJson(mean);
  object["baselines"] = evaluate::ToJson(baselines);
  object["verdict"] = Verdict();
  const RiskCoverage risk = RiskCoverageOf(*this);
  if (risk.groups > 0) object["risk_coverage"] = evaluate::ToJson(risk);
  const Calibration calibration = Calibrate(*this);
  object["dynamic_range"] = calibration.dynamic_range;
  for (size_t k = 0; k < groups.size(); ++k) {
    object["groups"][k]["solved_by"] = calibration.solved_by[k];
  }
  if (!mean_intervals.empty()) {
    object["intervals"] = evaluate::ToJson(mean_intervals);
    object["baseline_intervals"] = evaluate::ToJson(baseline_intervals);
    object["differences"] = evaluate::ToJson(differences);
  }
  return object;
}

std::string Scorecard::ToTable() const {
  Line header = {"group", "method", "cells"};
  const bool with_intervals = !mean_intervals.empty();
  for (const auto& column : kColumns) {
    header.emplace_back(column.title);
    if (column.interval && with_intervals) header.emplace_back("95 %");
  }
  std::vector<Line> lines = {header, {}};
  for (const GroupScores& group : groups) {
    const auto cells = [&group](int64_t n) { return absl::StrCat(n, "/", group.n_true); };
    lines.push_back(MakeLine(GroupName(group.key), "model", cells(group.n_predicted), group.scores,
                             group.intervals, with_intervals));
    for (const std::string& method : MethodsInOrder(group.baselines)) {
      const int64_t n = group.baseline_cells.at(method);
      lines.push_back(
          MakeLine("", ReadableName(method),
                   method == "ceiling" ? absl::StrCat(n, "/", group.n_true - n) : cells(n),
                   group.baselines.at(method), IntervalsOf(group.baseline_intervals, method),
                   with_intervals));
    }
    lines.emplace_back();
  }
  lines.push_back(MakeLine(absl::StrCat("mean of ", groups.size()), "model", "", mean,
                           mean_intervals, with_intervals));
  for (const std::string& method : MethodsInOrder(baselines)) {
    lines.push_back(MakeLine("", ReadableName(method), "", baselines.at(method),
                             IntervalsOf(baseline_intervals, method), with_intervals));
  }
  return absl::StrCat(Align(lines),
                      "E: unbiased E-distance; EMD: mean 1-D Wasserstein distance over genes; both "
                      "in log1p units, lower is nearer.\n",
                      "Pearson: of mean changes against control. cells: cells of the method / true "
                      "cells; ceiling: one half of the true cells against the other.\n",
                      "AUC kNN: of telling predicted from true cells, 0.5 is best. corr, co-sil: "
                      "errors of gene pairs; spread: of active genes per cell, 1 is best.\n",
                      with_intervals ? "95 %: bootstrap interval over cells.\n\n" : "\n", Verdict(),
                      "\n", TrainedText(), RiskText(RiskCoverageOf(*this)));
}

}  // namespace unlasting::evaluate
