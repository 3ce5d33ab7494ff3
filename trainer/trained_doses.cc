#include "trainer/trained_doses.h"

#include <map>
#include <utility>

namespace unlasting::trainer {

std::vector<report::TrainedDose> TrainedDosesOf(const cells::Dataset& training,
                                                const std::vector<bool>& left_out) {
  constexpr size_t kMostCells = 1000;
  std::map<std::pair<int32_t, int32_t>, std::vector<int64_t>> rows;  // by condition and cell type
  for (int64_t cell = 0; cell < training.n_cells(); ++cell) {
    if (!left_out.empty() && left_out[cell]) continue;
    if (!training.conditions[training.condition[cell]].molecule()) continue;
    auto& group = rows[{training.condition[cell], training.cell_type[cell]}];
    if (group.size() < kMostCells) group.push_back(cell);
  }
  std::vector<report::TrainedDose> doses;
  for (const auto& [key, cells] : rows) {
    const cells::Condition& condition = training.conditions[key.first];
    doses.push_back({condition.name, training.cell_types[key.second], condition.dose_um,
                     static_cast<int64_t>(cells.size()),
                     evaluate::StatisticsOf(SelectRowsDense(training.values, cells))});
  }
  return doses;
}

}  // namespace unlasting::trainer
