#include "core/evaluate/rules/cell_eval.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/evaluate/column_statistics.h"
#include "core/evaluate/rules/de_agreement.h"
#include "core/evaluate/rules/energy_distance.h"
#include "core/evaluate/rules/logged_table.h"
#include "core/evaluate/rules/plain_errors.h"

namespace unlasting::evaluate::rules {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Side {
  LoggedTable table;
  std::vector<double> distances;  // E-distances to the control
  bool logged = false;
  double median_total = 0;
};

absl::StatusOr<Side> MakeSide(const CellTable& table, const Groups& groups,
                              const CellEvalOptions& options) {
  UNLASTING_ASSIGN_OR_RETURN(const LoggedValues values, LoggedValues::Survey(table));
  Side side;
  side.logged = values.logged();
  side.median_total = values.median_total();
  UNLASTING_ASSIGN_OR_RETURN(
      side.table, MakeLoggedTable(table, groups, values, options.threads, options.block_bytes));
  UNLASTING_ASSIGN_OR_RETURN(
      side.distances,
      EnergyDistances(table, groups, values, {options.threads, options.block_bytes}));
  return side;
}

const char* WhyMissing(const std::string& metric, bool absent) {
  if (absent) return "no gene is significant in the truth";
  if (metric == "pr_auc" || metric == "roc_auc") {
    return "all genes or none are significant in the truth";
  }
  if (metric == "pearson_delta")
    return "the predicted or the true change is the same for all genes";
  if (metric == "pearson_edistance") {
    return "E-distances of one perturbation, or equal ones, have no correlation";
  }
  return "ranks that are all equal, or one value alone, have no correlation";
}

void AddMetrics(const PlainMetrics& metrics, const std::vector<std::string>& targets,
                RuleScores* scores) {
  for (const auto& [metric, values] : metrics) {
    double sum = 0, count = 0;
    for (size_t t = 0; t < targets.size(); ++t) {
      scores->perturbations[targets[t]][metric] = values[t].value_or(kNan);
      if (values[t]) {
        sum += *values[t];
        ++count;
      }
      if (values[t] && !std::isnan(*values[t])) continue;
      scores->reasons[absl::StrCat("perturbations.", targets[t], ".", metric)] =
          WhyMissing(metric, !values[t]);
    }
    const double mean = count > 0 ? sum / count : kNan;
    scores->aggregate[metric] = mean;
    if (!std::isnan(mean)) continue;
    scores->reasons[absl::StrCat("aggregate.", metric)] =
        absl::StrCat("the reference does not leave out a perturbation where ",
                     WhyMissing(metric, count == 0), ": the mean is not defined");
  }
}

}  // namespace

absl::StatusOr<RuleScores> ScoreCellEval(const CellTable& truth, const CellTable& predicted,
                                         const CellEvalOptions& options) {
  UNLASTING_ASSIGN_OR_RETURN(const MatchedGroups groups,
                             MatchGroups(truth, predicted, options.control_label));
  UNLASTING_ASSIGN_OR_RETURN(const Side a, MakeSide(truth, groups.truth, options));
  UNLASTING_ASSIGN_OR_RETURN(const Side b, MakeSide(predicted, groups.predicted, options));
  if (a.logged != b.logged) {
    const CellTable& logged = a.logged ? truth : predicted;
    const CellTable& counts = a.logged ? predicted : truth;
    return absl::InvalidArgumentError(
        absl::StrCat(logged.name, ": X: found log1p values, expected counts as in ", counts.name,
                     ": the two sides are compared on one scale"));
  }
  PlainMetrics metrics;
  AddProfileErrors(a.table, b.table, &metrics);
  AddDiscrimination(a.table, b.table, groups.own_gene, options.threads, &metrics);
  AddDeAgreement(a.table, b.table, &metrics);
  const double correlation = Pearson(b.distances, a.distances);
  for (size_t t = 0; t < groups.truth.targets.size(); ++t) {
    metrics["pearson_edistance"].push_back(correlation);
  }
  RuleScores scores;
  scores.rule = kCellEval;
  scores.version = kCellEvalVersion;
  scores.reasons["rule_digest"] = "the reference publishes no digest of this rule";
  AddMetrics(metrics, groups.truth.targets, &scores);
  scores.parts["median_library"] = {{"real", a.median_total}, {"pred", b.median_total}};
  for (size_t t = 0; t < groups.truth.targets.size(); ++t) {
    scores.parts["perturbations"][groups.truth.targets[t]] = {{"e_distance_true", a.distances[t]},
                                                              {"e_distance_pred", b.distances[t]}};
  }
  scores.remarks.emplace_back(
      "clustering_agreement (Leiden) is left out: it cannot be computed from a formula.");
  RemarkOnEmptyGroups(truth.name, groups.truth, a.table.mean, &scores);
  RemarkOnEmptyGroups(predicted.name, groups.predicted, b.table.mean, &scores);
  return scores;
}

}  // namespace unlasting::evaluate::rules
