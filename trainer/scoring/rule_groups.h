// RuleGroups gathers the groups that a bundle predicts and scores them by a rule of the field, as
// `unlasting-train evaluate --rule` does.
//
// A rule compares perturbations against one control, so every cell type is scored on its own. A
// perturbation of one gene bears the name of the gene, others that of their condition. The true
// control cells, which were the input of the prediction, are the controls of both sides. All cells
// are held as sparse rows.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"
#include "core/evaluate/rules/rule_scores.h"
#include "core/evaluate/scorer.h"
#include "trainer/scoring/held_out.h"
#include "trainer/scoring/metrics_options.h"

namespace unlasting::trainer {

struct RuleGroupsOptions {
  ScoringRule rule = ScoringRule::kVcc2026;
  std::string control_label;  // of the control cells in messages and draws
  double target_sum = 0;      // to which the cells' counts were normalised; 0: they held log1p
  uint64_t seed = 0;          // of the rule's draws, and of the counts
  int threads = 2;
};

class RuleGroups {
 public:
  // Of log1p values, vcc2026 needs counts. Those of true cells are the file's, those of a predicted
  // cell the counts that its control cell would have at its own depth, rounded up or down at random
  // such that their mean is kept. INVALID_ARGUMENT where the file held log1p values.
  static absl::StatusOr<RuleGroups> Create(const RuleGroupsOptions& options,
                                           const HeldOut& held_out);

  // Adds the group of `test` as predicted: [cells, genes], log1p, a row per control cell.
  void Add(const cells::TestGroup& test, const evaluate::Group& group);
  // By cell type. INVALID_ARGUMENT as the rule's, naming the cell type.
  absl::StatusOr<std::map<std::string, evaluate::rules::RuleScores>> Score() const;

 private:
  struct Side {
    std::vector<std::string> labels;
    CsrMatrix cells;
  };
  struct CellType {
    Side truth, predicted;
  };
  enum class Rounding { kNearest, kRandom };

  RuleGroups(const RuleGroupsOptions& options, const HeldOut& held_out);
  // The rows, as counts where the rule asks for them; `depths` are the cells' rows in the file.
  void Append(const std::string& label, const DenseMatrix& cells,
              const std::vector<int64_t>& depths, Rounding rounding, Side* side);
  absl::StatusOr<evaluate::rules::RuleScores> ScoreCellType(const std::string& name,
                                                            const CellType& cells) const;

  RuleGroupsOptions options_;
  const HeldOut* held_out_;
  uint64_t drawn_ = 0;  // values rounded at random so far
  std::map<std::string, CellType> cell_types_;
};

// RuleScores::ToJson's object where there is one cell type; else `rule`, `rule_version`,
// `rule_digest` and `cell_types`, which holds such an object for each.
nlohmann::json RuleJson(const std::map<std::string, evaluate::rules::RuleScores>& scores);
// RuleScores::ToText's tables, each below the name of its cell type.
std::string RuleText(const std::map<std::string, evaluate::rules::RuleScores>& scores);

}  // namespace unlasting::trainer
