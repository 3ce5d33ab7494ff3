#include "trainer/metrics_groups.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "trainer/shift_baselines.h"

namespace unlasting::trainer {
namespace {

using cells::Condition;
using cells::Dataset;

bool HasMolecules(const Dataset& dataset) {
  return std::any_of(dataset.conditions.begin(), dataset.conditions.end(),
                     [](const Condition& condition) { return condition.molecule(); });
}

// The cells of each condition and cell type; doses tell conditions apart where both files that are
// compared have them. The control's condition is "".
using GroupKey = std::pair<std::string, std::string>;
std::map<GroupKey, std::vector<int64_t>> CellsByGroup(const Dataset& dataset, bool with_dose) {
  std::map<GroupKey, std::vector<int64_t>> groups;
  for (int64_t cell = 0; cell < dataset.n_cells(); ++cell) {
    const Condition& condition = dataset.conditions[dataset.condition[cell]];
    const std::string name = with_dose ? condition.Key() : condition.name;
    groups[{condition.control ? "" : name, dataset.cell_types[dataset.cell_type[cell]]}].push_back(
        cell);
  }
  return groups;
}

}  // namespace

absl::StatusOr<std::vector<evaluate::Group>> MakeMetricsGroups(const MetricsOptions& options,
                                                               const MetricsFiles& files,
                                                               std::ostream& err) {
  const bool with_dose = HasMolecules(*files.predicted) && HasMolecules(*files.truth);
  const auto predicted = CellsByGroup(*files.predicted, with_dose);
  const auto truth = CellsByGroup(*files.truth, with_dose);
  const auto control = CellsByGroup(*files.control, with_dose);
  const bool trained_with_dose =
      with_dose && files.training != nullptr && HasMolecules(*files.training);
  evaluate::ShiftBaselines baselines;
  if (files.training != nullptr) baselines = BaselinesFrom(*files.training, {}, trained_with_dose);

  std::vector<evaluate::Group> groups;
  std::vector<std::string> names;
  for (const auto& [key, rows] : predicted) {
    const auto& [condition, cell_type] = key;
    if (condition.empty()) continue;
    names.push_back(absl::StrCat(condition, " / ", cell_type));
    const auto true_rows = truth.find(key);
    const auto control_rows = control.find({"", cell_type});
    if (true_rows == truth.end() || control_rows == control.end()) {
      const bool no_truth = true_rows == truth.end();
      err << "warning: " << names.back() << " left out, "
          << (no_truth ? options.truth : options.control) << " holds no "
          << (no_truth ? "true" : "control") << " cells for it\n";
      continue;
    }
    evaluate::Group group;
    group.key = {{"condition", condition}, {"cell_type", cell_type}};
    group.predicted = SelectRowsDense(files.predicted->values, rows);
    group.truth = SelectRowsDense(files.truth->values, true_rows->second);
    group.control = SelectRowsDense(files.control->values, control_rows->second);
    const auto& done = files.predicted->conditions[files.predicted->condition[rows.front()]];
    if (done.molecule()) {
      group.drug = done.name;
      group.dose_um = done.dose_um;
    }
    baselines.AddTo(PerturbedOf(done, trained_with_dose), &group);
    groups.push_back(std::move(group));
  }
  if (!groups.empty()) return groups;
  std::vector<std::string> known;
  for (const auto& [key, unused] : truth) {
    if (!key.first.empty()) known.push_back(absl::StrCat(key.first, " / ", key.second));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      options.predicted, ": obs: found the groups ", names.empty() ? "none" : Shortened(names),
      ", expected one with true cells in ", options.truth, " (",
      known.empty() ? "none" : Shortened(known), ") and control cells in ", options.control));
}

}  // namespace unlasting::trainer
