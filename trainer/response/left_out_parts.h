// Divide draws which cells are left out of an estimate, so that an answer made of it can be
// compared with them. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trainer/data/training_data.h"

namespace unlasting::trainer {

// Fewer cells say little of a group.
inline constexpr size_t kMinCells = 10;

struct TwoParts {
  std::vector<int64_t> kept, left_out;  // ascending
};
// A third at random, at least kMinCells, is left out. Of fewer than twice kMinCells all are
// in both parts.
TwoParts Divide(std::vector<int64_t> cells, uint64_t seed);

// Control cells by type: those of which responses are estimated, and those that responses are added
// to, because an answer is made of cells that training did not have.
struct ControlParts {
  std::vector<std::vector<int64_t>> kept, left_out;
};
ControlParts DivideControls(const TrainingData& data, uint64_t seed);

}  // namespace unlasting::trainer
