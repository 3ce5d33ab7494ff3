#include "tests/core/evaluate/golden_data.h"

#include <fstream>
#include <stdexcept>

#include "core/cells/normalise.h"

namespace unlasting::testing {

namespace {

std::vector<int64_t> RowsOf(const cells::Dataset& cells, const std::string& condition,
                            int64_t count) {
  std::vector<int64_t> rows;
  for (int64_t cell = 0; cell < cells.n_cells(); ++cell) {
    if (count > 0 && static_cast<int64_t>(rows.size()) == count) break;
    if (cells.conditions[cells.condition[cell]].name == condition) rows.push_back(cell);
  }
  return rows;
}

}  // namespace

DenseMatrix GoldenData::Cells(const std::string& condition, int64_t count) const {
  return SelectRowsDense(cells.values, RowsOf(cells, condition, count));
}

GoldenData LoadGolden(const std::string& name) {
  GoldenData data;
  data.golden = nlohmann::json::parse(std::ifstream("tests/golden/" + name + ".json"));
  auto dataset = cells::LoadDataset("tests/data/golden/" + name + ".h5ad", cells::LoadOptions());
  if (!dataset.ok()) throw std::runtime_error(std::string(dataset.status().message()));
  data.cells = *std::move(dataset);
  cells::NormaliseLog1p(cells::RowSums(data.cells.values), 1e4, &data.cells.values);
  return data;
}

}  // namespace unlasting::testing
