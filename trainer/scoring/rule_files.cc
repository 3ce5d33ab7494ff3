#include "trainer/scoring/rule_files.h"

#include <algorithm>
#include <set>
#include <thread>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/anndata/open_reader.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/cells/row_source.h"
#include "core/evaluate/rules/cell_eval.h"
#include "core/evaluate/rules/vcc2026.h"

namespace unlasting::trainer {
namespace {

using evaluate::rules::CellTable;
using evaluate::rules::RuleScores;

struct OpenTable {
  std::unique_ptr<anndata::Reader> reader;
  std::unique_ptr<cells::FileRows> rows;
  CellTable table;
  std::vector<std::string> remarks;  // on labels without cells
};

// A category of which the file holds no cells is no perturbation, but its absence is said.
std::vector<std::string> RemarksOn(const std::string& path, const std::string& name,
                                   const anndata::Column& column) {
  std::vector<std::string> remarks;
  const auto* labels = std::get_if<anndata::Categorical>(&column);
  if (labels == nullptr) return remarks;
  const std::set<int32_t> used(labels->codes.begin(), labels->codes.end());
  for (size_t k = 0; k < labels->categories.size(); ++k) {
    if (used.count(static_cast<int32_t>(k)) > 0) continue;
    remarks.push_back(absl::StrCat(path, ": obs column '", name, "' names ", labels->categories[k],
                                   " without a cell of it: it is not scored."));
  }
  return remarks;
}

absl::StatusOr<OpenTable> OpenTableOf(const std::string& path, const cells::LoadOptions& columns) {
  OpenTable open;
  UNLASTING_ASSIGN_OR_RETURN(open.reader, anndata::OpenReader(path));
  UNLASTING_ASSIGN_OR_RETURN(const auto obs, open.reader->ReadObs());
  UNLASTING_ASSIGN_OR_RETURN(const auto var, open.reader->ReadVar());
  const anndata::Column* labels = obs.Find(columns.condition_column);
  if (labels == nullptr) {
    std::vector<std::string> names;
    for (const auto& [name, unused] : obs.columns) names.push_back(name);
    return absl::NotFoundError(absl::StrCat(path, ": obs has no column '", columns.condition_column,
                                            "' (--groupby); found: ", absl::StrJoin(names, " ")));
  }
  const std::string element = cells::MatrixElement(columns);
  UNLASTING_ASSIGN_OR_RETURN(const auto shape, open.reader->MatrixShape(element));
  open.table.name = path;
  open.table.genes = var.index;
  open.table.labels = anndata::AsStrings(*labels);
  open.remarks = RemarksOn(path, columns.condition_column, *labels);
  open.rows =
      std::make_unique<cells::FileRows>(open.reader.get(), element, shape.first, shape.second);
  open.table.rows = open.rows.get();
  return open;
}

absl::StatusOr<nlohmann::json> ReadDraws(const std::string& path) {
  if (path.empty()) return nlohmann::json();
  UNLASTING_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  auto parsed = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": found no JSON object, expected the keys splits_cells and baseline_construction ",
        "(--draws)"));
  }
  return parsed;
}

absl::StatusOr<RuleScores> ScoreTables(const MetricsOptions& options, const CellTable& truth,
                                       const CellTable& predicted) {
  const int threads = options.threads > 0
                          ? options.threads
                          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (options.scoring.rule == ScoringRule::kCellEval) {
    evaluate::rules::CellEvalOptions rule;
    rule.control_label = options.columns.control;
    rule.threads = threads;
    return evaluate::rules::ScoreCellEval(truth, predicted, rule);
  }
  evaluate::rules::Vcc2026Options rule;
  rule.control_label = options.columns.control;
  rule.seed = options.seed;
  rule.tables.threads = threads;
  UNLASTING_ASSIGN_OR_RETURN(rule.draws, ReadDraws(options.draws));
  rule.draws_name = options.draws;
  return evaluate::rules::ScoreVcc2026(truth, predicted, rule);
}

}  // namespace

absl::StatusOr<RuleScores> ScoreFilesByRule(const MetricsOptions& options) {
  UNLASTING_ASSIGN_OR_RETURN(const OpenTable truth, OpenTableOf(options.truth, options.columns));
  UNLASTING_ASSIGN_OR_RETURN(const OpenTable predicted,
                             OpenTableOf(options.predicted, options.columns));
  UNLASTING_ASSIGN_OR_RETURN(RuleScores scores, ScoreTables(options, truth.table, predicted.table));
  for (const OpenTable* side : {&truth, &predicted}) {
    scores.remarks.insert(scores.remarks.end(), side->remarks.begin(), side->remarks.end());
  }
  return scores;
}

}  // namespace unlasting::trainer
