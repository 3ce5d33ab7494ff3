#include "trainer/scoring/metrics_groups.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/cells/cell_order.h"
#include "trainer/scoring/training_sums.h"

namespace unlasting::trainer {
namespace {

using cells::Condition;
using cells::Dataset;

// Doses or covariates, which Condition::Key adds to a name.
bool HasMolecules(const Dataset& dataset) {
  return std::any_of(dataset.conditions.begin(), dataset.conditions.end(),
                     [](const Condition& condition) {
                       return condition.molecule() || !condition.covariates.empty();
                     });
}

// The cells of each condition and cell type, in the order of their barcodes, so that scores do not
// depend on the order of a file. Conditions are compared as sets of genes; doses tell them apart
// where both files that are compared have them. The control's condition is "".
using GroupKey = std::pair<std::string, std::string>;
std::map<GroupKey, std::vector<int64_t>> CellsByGroup(const Dataset& dataset, bool with_dose) {
  std::map<GroupKey, std::vector<int64_t>> groups;
  for (int64_t cell = 0; cell < dataset.n_cells(); ++cell) {
    const Condition& condition = dataset.conditions[dataset.condition[cell]];
    const bool by_name = condition.genes.empty() && !with_dose;
    const std::string name = by_name ? condition.name : condition.Identity();
    groups[{condition.control ? "" : name, dataset.cell_types[dataset.cell_type[cell]]}].push_back(
        cell);
  }
  for (auto& [unused, members] : groups) {
    cells::SortByBarcode(dataset, &members);
  }
  return groups;
}

// The mean over cells of the sum of expm1, which is the same for all cells on one scale.
struct MeanSum {
  double sum = 0;
  int64_t cells = 0;

  // Of a block at most this many rows, evenly chosen.
  void Add(const CsrMatrix& block) {
    constexpr int64_t kRows = 256;
    const int64_t stride = std::max<int64_t>(1, block.rows / kRows);
    for (int64_t r = 0; r < block.rows; r += stride) {
      for (const float value : block.RowValues(r)) sum += std::expm1(value);
      ++cells;
    }
  }
  double mean() const { return cells > 0 ? sum / static_cast<double>(cells) : 0; }
};

// Predictions may be wrong in many ways, but not by twice the size of every cell: warns.
void CompareSums(const MetricsFiles& files, const MeanSum& predicted, const MeanSum& truth,
                 std::ostream& err) {
  constexpr double kPlainlyAnother = 2;
  const double ratio = truth.mean() > 0 ? predicted.mean() / truth.mean() : 1;
  if (files.predicted->annotations().kind == cells::MatrixKind::kCounts) return;
  if (ratio < kPlainlyAnother && ratio > 1 / kPlainlyAnother) return;
  err << "warning: the predicted cells sum to " << cells::SumText(predicted.mean())
      << " (expm1 over " << files.genes.size() << " genes), the true ones to "
      << cells::SumText(truth.mean())
      << ": where the two are log1p of different sums, scores mean nothing; --target-sum or "
         "uns/unlasting/target_sum of the predictions says to what counts are normalised\n";
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
  UNLASTING_RETURN_IF_ERROR(groups.Read(files, err));
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
    if (key.first.empty()) continue;
    const Condition& done = annotations.conditions[annotations.condition[rows.front()]];
    const std::string condition = with_dose ? done.Key() : done.name;
    const std::string& cell_type = key.second;
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
    rows_.push_back({condition, cell_type, &done, rows, true_rows->second, control_rows->second});
  }
  if (!rows_.empty()) return absl::OkStatus();
  std::vector<std::string> known;
  for (const auto& [key, rows] : truth) {
    if (key.first.empty()) continue;
    const Dataset& cells = files.truth->annotations();
    const Condition& done = cells.conditions[cells.condition[rows.front()]];
    known.push_back(absl::StrCat(with_dose ? done.Key() : done.name, " / ", key.second));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      options.predicted, ": obs: found the groups ", names.empty() ? "none" : Shortened(names),
      ", expected one with true cells in ", options.truth, " (",
      known.empty() ? "none" : Shortened(known), ") and control cells in ", options.control));
}

absl::Status MetricsGroups::Read(const MetricsFiles& files, std::ostream& err) {
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
  std::map<cells::NormalisedFile*, MeanSum> sums;
  for (const auto& [file, rows] : chosen) {
    UNLASTING_RETURN_IF_ERROR(
        file->ForEachBlock(files.genes, files.target_sum,
                           [&, file = file, &rows = rows](int64_t first, const CsrMatrix& block) {
                             rows->Take(first, block);
                             sums[file].Add(block);
                             if (file == files.training.get()) training->Add(first, block);
                             return absl::OkStatus();
                           }));
  }
  CompareSums(files, sums[files.predicted.get()], sums[files.truth.get()], err);
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
    if (rows.done->molecule() && rows.done->covariates.empty()) {
      group.drug = rows.done->name;
      group.dose_um = rows.done->dose_um;
    }
    baselines_.AddTo(PerturbedOf(*rows.done, trained_with_dose_), &group);
    UNLASTING_RETURN_IF_ERROR(visit(group));
  }
  return absl::OkStatus();
}

}  // namespace unlasting::trainer
