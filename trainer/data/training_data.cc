#include "trainer/data/training_data.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "core/base/status.h"
#include "core/cells/cell_order.h"
#include "core/grn/gene_embedding.h"

namespace unlasting::trainer {
namespace {

// The groups that are not empty, in the order of their cell types' names; `groups` has one for each
// cell type.
std::vector<std::vector<int64_t>> ByTypeName(const cells::Dataset& cells,
                                             const std::vector<std::vector<int64_t>>& groups) {
  std::map<std::string, const std::vector<int64_t>*> by_name;
  for (size_t type = 0; type < groups.size(); ++type) {
    by_name[cells.cell_types[type]] = &groups[type];
  }
  std::vector<std::vector<int64_t>> ordered;
  for (const auto& [unused, group] : by_name) {
    if (!group->empty()) ordered.push_back(*group);
  }
  return ordered;
}

// Groups of each half of a batch at least, so that a step sees many conditions and every thread has
// work.
constexpr int64_t kMinGroups = 8;

// The group of the cell at `place`, modulo their number, among all groups' cells.
const std::vector<int64_t>& GroupOfAnyCell(const std::vector<std::vector<int64_t>>& groups,
                                           uint64_t place) {
  uint64_t cells = 0;
  for (const auto& group : groups) cells += group.size();
  place %= cells;
  for (const auto& group : groups) {
    if (place < group.size()) return group;
    place -= group.size();
  }
  return groups.back();
}

}  // namespace

absl::StatusOr<TrainingData> TrainingData::Create(const cells::Prepared& prepared,
                                                  const TrainingDataOptions& options) {
  TrainingData data;
  data.prepared_ = &prepared;
  const cells::Dataset& cells = prepared.data;
  UNLASTING_RETURN_IF_ERROR(data.ReadMolecules(options));
  UNLASTING_RETURN_IF_ERROR(data.ReadTreatments(options));
  UNLASTING_RETURN_IF_ERROR(data.ReadConditions());

  const std::vector<int64_t> training = prepared.split.Cells(/*test_cells=*/false);
  data.controls_.resize(cells.cell_types.size());
  std::vector<int64_t> all_controls;
  // Ordered by what the cells are, so that batches do not depend on the order of the file.
  std::map<std::pair<std::string, std::string>, std::vector<int64_t>> perturbed;
  std::vector<int64_t> ordered = training;
  cells::SortByBarcode(cells, &ordered);
  for (const int64_t cell : ordered) {
    if (cells.conditions[cells.condition[cell]].control) {
      data.controls_[cells.cell_type[cell]].push_back(cell);
      all_controls.push_back(cell);
    } else {
      perturbed[{cells.conditions[cells.condition[cell]].Identity(),
                 cells.cell_types[cells.cell_type[cell]]}]
          .push_back(cell);
    }
  }
  if (all_controls.empty()) {
    return absl::InvalidArgumentError(
        "found no control cells among the training cells, expected one or more; check the settings "
        "control and split");
  }
  data.control_groups_ = ByTypeName(cells, data.controls_);
  for (auto& controls : data.controls_) {
    if (controls.empty()) controls = all_controls;
  }
  for (auto& [key, members] : perturbed) data.perturbed_groups_.push_back(std::move(members));
  if (options.validation_fraction > 0) UNLASTING_RETURN_IF_ERROR(data.HoldOut(options));
  data.balance_ = options.balance_conditions;
  data.statistics_ = cells::ControlsByCellType(cells, training);
  return data;
}

absl::Status TrainingData::HoldOut(const TrainingDataOptions& options) {
  std::mt19937_64 random(options.seed);
  const auto shuffle = [&random](auto* items) {
    for (size_t k = items->size(); k > 1; --k) std::swap((*items)[k - 1], (*items)[random() % k]);
  };
  const auto share = [&options](size_t size) {
    return static_cast<size_t>(std::ceil(options.validation_fraction * static_cast<double>(size)));
  };
  std::set<int32_t> held_out;
  if (options.validate_conditions) {
    // Groups are ordered by condition.
    std::vector<int32_t> order;
    for (const auto& group : perturbed_groups_) {
      const int32_t condition = prepared_->data.condition[group[0]];
      if (order.empty() || order.back() != condition) order.push_back(condition);
    }
    shuffle(&order);
    if (share(order.size()) >= order.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("validation=conditions: found ", order.size(),
                       " training conditions, expected more than validation_fraction holds out; "
                       "lower it or set validation=cells"));
    }
    held_out.insert(order.begin(), order.begin() + static_cast<int64_t>(share(order.size())));
  }
  std::vector<std::vector<int64_t>> training;
  for (auto& group : perturbed_groups_) {
    std::vector<int64_t> members = group;
    shuffle(&members);
    size_t count = share(group.size());
    if (options.validate_conditions) {
      count = held_out.count(prepared_->data.condition[group[0]]) > 0 ? group.size() : 0;
    } else if (count < 2 || count + 2 > group.size()) {
      // A distance needs two cells, and training needs as many.
      count = 0;
    }
    const auto middle = members.begin() + static_cast<int64_t>(count);
    if (count > 1) validation_groups_.emplace_back(members.begin(), middle);
    if (middle != members.end()) training.emplace_back(middle, members.end());
  }
  perturbed_groups_ = std::move(training);
  return absl::OkStatus();
}

Batch TrainingData::Draw(uint64_t seed, int64_t step, int64_t batch_size, int64_t share) const {
  std::seed_seq mixed{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32),
                      static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32)};
  std::mt19937_64 random(mixed);
  const auto from = [&random](const auto& items) -> const auto& {
    return items[random() % items.size()];
  };
  // `count` cells of one group, which is drawn evenly or as often as it has cells.
  const auto draw = [&](const std::vector<std::vector<int64_t>>& groups, int64_t count,
                        std::vector<int64_t>* cells) {
    const std::vector<int64_t>& group = balance_ ? from(groups) : GroupOfAnyCell(groups, random());
    for (int64_t k = 0; k < count; ++k) cells->push_back(from(group));
  };
  const int64_t half = batch_size / 2;
  Batch batch;
  batch.share = std::clamp<int64_t>(half / kMinGroups, 1, share);
  for (int64_t k = 0; k < half / batch.share; ++k) {
    draw(control_groups_, batch.share, &batch.control_cells);
  }
  for (int64_t k = 0; k < (batch_size - half) / batch.share; ++k) {
    draw(perturbed_groups_, batch.share, &batch.perturbed_cells);
    batch.partner_cells.push_back(from(controls_[cell_type(batch.perturbed_cells.back())]));
  }
  return batch;
}

void TrainingData::Fill(int64_t cell, float* out) const {
  const auto scale = static_cast<float>(1.0 / prepared_->x_max);
  std::fill(out, out + genes(), 0.0f);
  const auto columns = prepared_->data.values.RowIndices(cell);
  const auto values = prepared_->data.values.RowValues(cell);
  for (size_t k = 0; k < columns.size(); ++k) out[columns[k]] = values[k] * scale;
}

}  // namespace unlasting::trainer
