#include "trainer/scoring/metrics_groups.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "trainer/scoring/training_sums.h"

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

absl::StatusOr<MetricsGroups> MetricsGroups::Load(const MetricsOptions& options,
                                                  const MetricsFiles& files, std::ostream& err) {
  const bool with_dose =
      HasMolecules(files.predicted->annotations()) && HasMolecules(files.truth->annotations());
  MetricsGroups groups;
  UNLASTING_RETURN_IF_ERROR(groups.Match(options, files, with_dose, err));
  groups.trained_with_dose_ =
      with_dose && files.training != nullptr && HasMolecules(files.training->annotations());
  UNLASTING_RETURN_IF_ERROR(groups.Read(files));
  return groups;
}

absl::Status MetricsGroups::Match(const MetricsOptions& options, const MetricsFiles& files,
                                  bool with_dose, std::ostream& err) {
  const Dataset& annotations = files.predicted->annotations();
  const auto predicted = CellsByGroup(annotations, with_dose);
  const auto truth = CellsByGroup(files.truth->annotations(), with_dose);
  const auto control = CellsByGroup(files.control->annotations(), with_dose);
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
    const Condition& done = annotations.conditions[annotations.condition[rows.front()]];
    rows_.push_back({condition, cell_type, &done, rows, true_rows->second, control_rows->second});
  }
  if (!rows_.empty()) return absl::OkStatus();
  std::vector<std::string> known;
  for (const auto& [key, unused] : truth) {
    if (!key.first.empty()) known.push_back(absl::StrCat(key.first, " / ", key.second));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      options.predicted, ": obs: found the groups ", names.empty() ? "none" : Shortened(names),
      ", expected one with true cells in ", options.truth, " (",
      known.empty() ? "none" : Shortened(known), ") and control cells in ", options.control));
}

absl::Status MetricsGroups::Read(const MetricsFiles& files) {
  std::map<cells::NormalisedFile*, Chosen> chosen;
  const auto choose = [&chosen](cells::NormalisedFile* file) {
    Chosen& rows = chosen[file];
    if (rows == nullptr) {
      rows = std::make_shared<cells::ChosenRows>(file->annotations().n_cells());
    }
    return rows;
  };
  predicted_ = choose(files.predicted.get());
  truth_ = choose(files.truth.get());
  control_ = choose(files.control.get());
  for (const Rows& rows : rows_) {
    predicted_->Want(rows.predicted);
    truth_->Want(rows.truth);
    control_->Want(rows.control);
  }
  std::unique_ptr<TrainingSums> training;
  if (files.training != nullptr) {
    choose(files.training.get());
    training = std::make_unique<TrainingSums>(files.training->annotations(), std::vector<bool>(),
                                              files.genes, trained_with_dose_);
  }
  for (const auto& [file, rows] : chosen) {
    UNLASTING_RETURN_IF_ERROR(
        file->ForEachBlock(files.genes, files.target_sum,
                           [&, file = file, &rows = rows](int64_t first, const CsrMatrix& block) {
                             rows->Take(first, block);
                             if (file == files.training.get()) training->Add(first, block);
                             return absl::OkStatus();
                           }));
  }
  if (training == nullptr) return absl::OkStatus();
  baselines_ = training->Baselines();
  trained_doses_ = training->Doses();
  return absl::OkStatus();
}

absl::Status MetricsGroups::ForEach(
    const std::function<absl::Status(const evaluate::Group&)>& visit) const {
  for (const Rows& rows : rows_) {
    evaluate::Group group;
    group.key = {{"condition", rows.condition}, {"cell_type", rows.cell_type}};
    group.predicted = predicted_->Dense(rows.predicted);
    group.truth = truth_->Dense(rows.truth);
    group.control = control_->Dense(rows.control);
    if (rows.done->molecule()) {
      group.drug = rows.done->name;
      group.dose_um = rows.done->dose_um;
    }
    baselines_.AddTo(PerturbedOf(*rows.done, trained_with_dose_), rows.cell_type, &group);
    UNLASTING_RETURN_IF_ERROR(visit(group));
  }
  return absl::OkStatus();
}

}  // namespace unlasting::trainer
