#include "trainer/scoring/rule_groups.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/base/counter_rng.h"
#include "core/base/status.h"
#include "core/cells/row_source.h"
#include "core/evaluate/rules/cell_eval.h"
#include "core/evaluate/rules/vcc2026.h"

namespace unlasting::trainer {
namespace {

using evaluate::rules::CellTable;
using evaluate::rules::RuleScores;

// A rule looks for a perturbation's own gene by the perturbation's name.
std::string LabelOf(const cells::Condition& condition) {
  return condition.genes.size() == 1 && !condition.molecule() ? condition.genes[0]
                                                              : condition.Key();
}

// In [0, 1), by place alone.
double Uniform(uint64_t seed, uint64_t place) {
  const uint64_t bits = diffusion::MixBits(diffusion::MixBits(seed) + place);
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace

RuleGroups::RuleGroups(const RuleGroupsOptions& options, const HeldOut& held_out)
    : options_(options), held_out_(&held_out) {}

absl::StatusOr<RuleGroups> RuleGroups::Create(const RuleGroupsOptions& options,
                                              const HeldOut& held_out) {
  const bool counts = held_out.annotations.kind == cells::MatrixKind::kCounts;
  if (options.rule == ScoringRule::kVcc2026 && !(counts && options.target_sum > 0)) {
    return absl::InvalidArgumentError(
        "--data: found log1p values, expected counts, which --rule vcc2026 compares (--rule "
        "cell-eval takes log1p values)");
  }
  return RuleGroups(options, held_out);
}

void RuleGroups::Append(const std::string& label, const DenseMatrix& cells,
                        const std::vector<int64_t>& depths, Rounding rounding, Side* side) {
  side->cells.cols = cells.cols;
  std::vector<float> row(cells.cols);
  for (int64_t r = 0; r < cells.rows; ++r) {
    const auto values = cells.Row(r);
    row.assign(values.begin(), values.end());
    if (options_.rule == ScoringRule::kVcc2026) {
      const double scale = held_out_->library_sizes[depths[r]] / options_.target_sum;
      for (float& value : row) {
        if (value == 0) continue;
        const double count = std::expm1(static_cast<double>(value)) * scale;
        const double up = rounding == Rounding::kNearest ? 0.5 : Uniform(options_.seed, drawn_++);
        value = static_cast<float>(std::floor(count + up));
      }
    }
    AppendRow(row, &side->cells);
    side->labels.push_back(label);
  }
}

void RuleGroups::Add(const cells::TestGroup& test, const evaluate::Group& group) {
  const auto [found, first] =
      cell_types_.try_emplace(held_out_->annotations.cell_types[test.cell_type]);
  CellType& cells = found->second;
  if (first) {
    for (Side* side : {&cells.truth, &cells.predicted}) {
      Append(options_.control_label, group.control, test.control, Rounding::kNearest, side);
    }
  }
  const std::string label = LabelOf(held_out_->annotations.conditions[test.condition]);
  Append(label, group.truth, test.truth, Rounding::kNearest, &cells.truth);
  Append(label, group.predicted, test.control, Rounding::kRandom, &cells.predicted);
}

absl::StatusOr<RuleScores> RuleGroups::ScoreCellType(const std::string& name,
                                                     const CellType& cells) const {
  cells::MemoryRows truth_rows(cells.truth.cells), predicted_rows(cells.predicted.cells);
  const CellTable truth = {absl::StrCat("true cells of ", name), held_out_->genes,
                           cells.truth.labels, &truth_rows};
  const CellTable predicted = {absl::StrCat("predicted cells of ", name), held_out_->genes,
                               cells.predicted.labels, &predicted_rows};
  if (options_.rule == ScoringRule::kCellEval) {
    evaluate::rules::CellEvalOptions rule;
    rule.control_label = options_.control_label;
    rule.threads = options_.threads;
    return evaluate::rules::ScoreCellEval(truth, predicted, rule);
  }
  evaluate::rules::Vcc2026Options rule;
  rule.control_label = options_.control_label;
  rule.seed = options_.seed;
  rule.tables.threads = options_.threads;
  return evaluate::rules::ScoreVcc2026(truth, predicted, rule);
}

absl::StatusOr<std::map<std::string, RuleScores>> RuleGroups::Score() const {
  std::map<std::string, RuleScores> scores;
  for (const auto& [name, cells] : cell_types_) {
    UNLASTING_ASSIGN_OR_RETURN(scores[name], ScoreCellType(name, cells));
  }
  return scores;
}

nlohmann::json RuleJson(const std::map<std::string, RuleScores>& scores) {
  if (scores.size() == 1) return scores.begin()->second.ToJson();
  nlohmann::json object = nlohmann::json::object();
  for (const auto& [name, rule] : scores) {
    object["rule"] = rule.rule;
    object["rule_version"] = rule.version;
    object["rule_digest"] = rule.digest;
    object["cell_types"][name] = rule.ToJson();
  }
  return object;
}

std::string RuleText(const std::map<std::string, RuleScores>& scores) {
  std::string text;
  for (const auto& [name, rule] : scores) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", "cell type ", name, "\n", rule.ToText());
  }
  return text;
}

}  // namespace unlasting::trainer
