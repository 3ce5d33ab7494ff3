#include "core/evaluate/rules/cell_table.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status.h"

namespace unlasting::evaluate::rules {
namespace {

constexpr size_t kNamesShown = 5;

std::string Listed(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kNamesShown);
  return absl::StrCat(absl::StrJoin(names.begin(), names.begin() + shown, ", "),
                      names.size() > shown ? ", ..." : "");
}

absl::Status CheckGenes(const CellTable& truth, const CellTable& predicted) {
  for (const CellTable* table : {&truth, &predicted}) {
    std::set<std::string> seen;
    for (const std::string& gene : table->genes) {
      if (!seen.insert(gene).second) {
        return absl::InvalidArgumentError(absl::StrCat(table->name, ": var: found the gene ", gene,
                                                       " twice, expected each gene once"));
      }
    }
  }
  if (truth.genes == predicted.genes) return absl::OkStatus();
  const std::set<std::string> a(truth.genes.begin(), truth.genes.end());
  std::vector<std::string> more, less;
  for (const std::string& gene : predicted.genes) {
    if (a.count(gene) == 0) more.push_back(gene);
  }
  const std::set<std::string> b(predicted.genes.begin(), predicted.genes.end());
  for (const std::string& gene : truth.genes) {
    if (b.count(gene) == 0) less.push_back(gene);
  }
  std::string found;
  if (more.empty() && less.empty()) {
    found = "the genes of the truth in another order";
  } else {
    found = absl::StrCat(less.size(), " genes missing", less.empty() ? "" : " (", Listed(less),
                         less.empty() ? "" : ")", " and ", more.size(), " unknown to the truth",
                         more.empty() ? "" : " (", Listed(more), more.empty() ? "" : ")");
  }
  return absl::InvalidArgumentError(absl::StrCat(predicted.name, ": var: found ", found,
                                                 ", expected the genes of ", truth.name,
                                                 " in the same order"));
}

absl::StatusOr<std::set<std::string>> LabelsOf(const CellTable& table,
                                               const std::string& control_label) {
  for (size_t cell = 0; cell < table.labels.size(); ++cell) {
    if (table.labels[cell].empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(table.name, ": obs: cell ", cell, " (counted from 0) has no label",
                       ", expected a perturbation or '", control_label, "' (--groupby)"));
    }
  }
  std::set<std::string> labels(table.labels.begin(), table.labels.end());
  if (labels.erase(control_label) == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        table.name, ": obs: found no control cell, expected cells with the label '", control_label,
        "' (--control-label); found ", Listed({labels.begin(), labels.end()})));
  }
  if (labels.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(table.name, ": obs: found control cells alone, expected a perturbation"));
  }
  return labels;
}

Groups GroupsOf(const CellTable& table, const std::vector<std::string>& targets,
                const std::string& control_label) {
  Groups groups;
  groups.control_label = control_label;
  groups.targets = targets;
  std::unordered_map<std::string, int32_t> index;
  for (size_t t = 0; t < targets.size(); ++t) index[targets[t]] = static_cast<int32_t>(t);
  const auto control = static_cast<int32_t>(targets.size());
  groups.cells.assign(targets.size() + 1, 0);
  for (const std::string& label : table.labels) {
    const auto it = index.find(label);
    groups.of_cell.push_back(it == index.end() ? control : it->second);
    ++groups.cells[groups.of_cell.back()];
  }
  return groups;
}

}  // namespace

absl::StatusOr<MatchedGroups> MatchGroups(const CellTable& truth, const CellTable& predicted,
                                          const std::string& control_label) {
  UNLASTING_RETURN_IF_ERROR(CheckGenes(truth, predicted));
  UNLASTING_ASSIGN_OR_RETURN(const auto in_truth, LabelsOf(truth, control_label));
  UNLASTING_ASSIGN_OR_RETURN(const auto in_predicted, LabelsOf(predicted, control_label));
  const auto missing = [](const std::set<std::string>& of, const std::set<std::string>& from) {
    std::vector<std::string> names;
    std::set_difference(of.begin(), of.end(), from.begin(), from.end(), std::back_inserter(names));
    return names;
  };
  for (const auto& [names, lacking, having] :
       {std::tuple{missing(in_truth, in_predicted), &predicted, &truth},
        {missing(in_predicted, in_truth), &truth, &predicted}}) {
    if (names.empty()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(lacking->name, ": obs: found no cells of ", names.size(), " perturbations (",
                     Listed(names), ") that ", having->name,
                     " holds; expected the same perturbations on both sides, since a rule leaves "
                     "none out"));
  }
  MatchedGroups matched;
  const std::vector<std::string> targets(in_truth.begin(), in_truth.end());
  matched.truth = GroupsOf(truth, targets, control_label);
  matched.predicted = GroupsOf(predicted, targets, control_label);
  std::unordered_map<std::string, int64_t> columns;
  for (size_t g = 0; g < truth.genes.size(); ++g) columns[truth.genes[g]] = g;
  for (const std::string& target : targets) {
    const auto it = columns.find(target);
    matched.own_gene.push_back(it == columns.end() ? -1 : it->second);
  }
  return matched;
}

}  // namespace unlasting::evaluate::rules
