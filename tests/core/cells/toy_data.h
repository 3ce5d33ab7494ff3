// A small screen made in memory: counts drawn by seed, conditions and cell types laid out in turn.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "core/cells/dataset.h"
#include "core/cells/labels.h"

namespace unlasting::test {

// `conditions` by name; names that start with "drug" become molecules with doses 0.1, 1 and 10 uM.
inline cells::Dataset ToyDataset(const std::vector<std::string>& conditions,
                                 const std::vector<std::string>& cell_types, int cells_per_group,
                                 int genes = 12, uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  cells::Dataset data;
  data.kind = cells::MatrixKind::kCounts;
  for (int g = 0; g < genes; ++g) data.genes.push_back("G" + std::to_string(g));
  data.cell_types = cell_types;
  for (const auto& name : conditions) {
    const bool drug = name.rfind("drug", 0) == 0;
    for (const double dose : drug ? std::vector<double>{0.1, 1, 10} : std::vector<double>{0}) {
      cells::Condition condition;
      condition.name = name;
      condition.control = name == "ctrl";
      if (drug) condition.smiles = "CCO";
      condition.dose_um = dose;
      if (!drug) condition.genes = cells::ParseGenes(name, "ctrl");
      data.conditions.push_back(condition);
    }
  }
  DenseMatrix counts;
  counts.cols = genes;
  for (size_t c = 0; c < data.conditions.size(); ++c) {
    for (size_t t = 0; t < cell_types.size(); ++t) {
      for (int k = 0; k < cells_per_group; ++k) {
        data.condition.push_back(static_cast<int32_t>(c));
        data.cell_type.push_back(static_cast<int32_t>(t));
        data.barcodes.push_back("cell" + std::to_string(data.barcodes.size()));
        for (int g = 0; g < genes; ++g) counts.values.push_back(static_cast<float>(random() % 5));
        ++counts.rows;
      }
    }
  }
  data.values = ToCsr(counts);
  return data;
}

}  // namespace unlasting::test
