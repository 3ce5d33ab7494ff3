#include "trainer/response/left_out_parts.h"

#include <algorithm>
#include <random>
#include <utility>

namespace unlasting::trainer {

TwoParts Divide(std::vector<int64_t> cells, uint64_t seed) {
  if (cells.size() < 2 * kMinCells) return {cells, cells};
  std::mt19937_64 random(seed);
  std::shuffle(cells.begin(), cells.end(), random);
  const auto third = static_cast<int64_t>(std::max(cells.size() / 3, kMinCells));
  TwoParts parts{{cells.begin() + third, cells.end()}, {cells.begin(), cells.begin() + third}};
  std::sort(parts.kept.begin(), parts.kept.end());
  std::sort(parts.left_out.begin(), parts.left_out.end());
  return parts;
}

ControlParts DivideControls(const TrainingData& data, uint64_t seed) {
  ControlParts controls;
  for (size_t type = 0; type < data.prepared().data.cell_types.size(); ++type) {
    TwoParts parts = Divide(data.controls(static_cast<int32_t>(type)), seed + type);
    controls.kept.push_back(std::move(parts.kept));
    controls.left_out.push_back(std::move(parts.left_out));
  }
  return controls;
}

}  // namespace unlasting::trainer
