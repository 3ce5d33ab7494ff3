#include "trainer/metrics_groups.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/cells/normalise.h"

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

// Mean of the condition's cells minus mean of the control cells, averaged over the cell types that
// have both; by condition.
std::map<std::string, std::vector<float>> MeanShifts(const Dataset& training, bool with_dose) {
  const auto groups = CellsByGroup(training, with_dose);
  std::map<std::string, std::vector<double>> sums;
  std::map<std::string, int> types;
  std::vector<double> mean, control_mean, unused;
  for (const auto& [key, rows] : groups) {
    const auto controls = groups.find({"", key.second});
    if (key.first.empty() || controls == groups.end()) continue;
    cells::MeanAndDeviation(training.values, rows, &mean, &unused);
    cells::MeanAndDeviation(training.values, controls->second, &control_mean, &unused);
    std::vector<double>& sum = sums[key.first];
    sum.resize(mean.size());
    for (size_t g = 0; g < mean.size(); ++g) sum[g] += mean[g] - control_mean[g];
    ++types[key.first];
  }
  std::map<std::string, std::vector<float>> shifts;
  for (const auto& [condition, sum] : sums) {
    for (const double value : sum) {
      shifts[condition].push_back(static_cast<float>(value / types[condition]));
    }
  }
  return shifts;
}

// What is left for a condition that training never saw; none without training.
std::optional<std::vector<float>> MeanOf(const std::map<std::string, std::vector<float>>& shifts) {
  if (shifts.empty()) return std::nullopt;
  std::vector<float> mean(shifts.begin()->second.size());
  for (const auto& [unused, shift] : shifts) {
    for (size_t g = 0; g < mean.size(); ++g) mean[g] += shift[g];
  }
  for (float& value : mean) value /= static_cast<float>(shifts.size());
  return mean;
}

// The sum of the shifts of the single genes of a combination; none where one was not trained on.
std::optional<std::vector<float>> AdditiveShift(
    const Condition& condition, const std::map<std::string, std::vector<float>>& shifts,
    const std::string& control) {
  if (condition.genes.size() < 2) return std::nullopt;
  std::vector<float> sum;
  for (const std::string& gene : condition.genes) {
    const auto single = std::find_if(shifts.begin(), shifts.end(), [&](const auto& shift) {
      return cells::ParseGenes(shift.first, control) == std::vector<std::string>{gene};
    });
    if (single == shifts.end()) return std::nullopt;
    sum.resize(single->second.size());
    for (size_t g = 0; g < sum.size(); ++g) sum[g] += single->second[g];
  }
  return sum;
}

}  // namespace

absl::StatusOr<std::vector<evaluate::Group>> MakeMetricsGroups(const MetricsOptions& options,
                                                               const MetricsFiles& files,
                                                               std::ostream& err) {
  const bool with_dose = HasMolecules(*files.predicted) && HasMolecules(*files.truth);
  const auto predicted = CellsByGroup(*files.predicted, with_dose);
  const auto truth = CellsByGroup(*files.truth, with_dose);
  const auto control = CellsByGroup(*files.control, with_dose);
  std::map<std::string, std::vector<float>> shifts;
  const bool shifts_with_dose =
      with_dose && files.training != nullptr && HasMolecules(*files.training);
  if (files.training != nullptr) shifts = MeanShifts(*files.training, shifts_with_dose);
  const std::optional<std::vector<float>> overall = MeanOf(shifts);

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
    const auto& trained = files.predicted->conditions[files.predicted->condition[rows.front()]];
    if (trained.molecule()) {
      group.drug = trained.name;
      group.dose_um = trained.dose_um;
    }
    const auto shift = shifts.find(shifts_with_dose ? condition : trained.name);
    group.mean_shift = shift != shifts.end() ? shift->second : overall;
    if (const auto sum = AdditiveShift(trained, shifts, options.columns.control)) {
      group.further_baselines["additive"] = evaluate::Shifted(group.control, *sum);
    }
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
