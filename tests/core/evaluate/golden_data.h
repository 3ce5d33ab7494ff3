// The published data and the numbers that scanpy and scipy compute from them.
#pragma once

#include <string>
#include <vector>

#include "core/cells/dataset.h"
#include "nlohmann/json.hpp"

namespace unlasting::testing {

struct GoldenData {
  nlohmann::json golden;
  cells::Dataset cells;  // 10,000 counts a cell, log1p

  // Rows of a condition in file order, at most `count` of them (0: all).
  DenseMatrix Cells(const std::string& condition, int64_t count = 0) const;
};

// `name` without its extension; fails the test and aborts it where the files cannot be read.
GoldenData LoadGolden(const std::string& name);

}  // namespace unlasting::testing
