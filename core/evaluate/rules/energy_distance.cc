#include "core/evaluate/rules/energy_distance.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/base/parallel.h"
#include "core/base/status.h"
#include "core/evaluate/rules/sparse_products.h"

namespace unlasting::evaluate::rules {
namespace {

// Rows of one group with their squared norms.
struct GroupRows {
  CsrMatrix rows;
  std::vector<double> squares;
};

void AppendRow(const CsrMatrix& block, int64_t row, int64_t cell, const LoggedValues& values,
               GroupRows* group) {
  const auto indices = block.RowIndices(row);
  const auto counts = block.RowValues(row);
  double square = 0;
  for (size_t k = 0; k < counts.size(); ++k) {
    if (counts[k] == 0) continue;
    const float value = values.Value(cell, counts[k]);
    group->rows.indices.push_back(indices[k]);
    group->rows.values.push_back(value);
    square += static_cast<double>(value) * value;
  }
  group->rows.indptr.push_back(static_cast<int64_t>(group->rows.values.size()));
  ++group->rows.rows;
  group->rows.cols = block.cols;
  group->squares.push_back(square);
}

// The sum of distances between the rows of a tile of `y`, which begins at row `first`, and the rows
// of `x`; within a group only over pairs of a row with a later one.
double TileSum(const GroupRows& x, const GroupRows& y, int64_t first, bool within) {
  const int64_t lanes = std::min<int64_t>(kTileRows, y.rows.rows - first);
  std::vector<float> tile(y.rows.cols * kTileRows, 0);
  for (int64_t lane = 0; lane < lanes; ++lane) {
    const auto indices = y.rows.RowIndices(first + lane);
    const auto values = y.rows.RowValues(first + lane);
    for (size_t k = 0; k < values.size(); ++k) tile[indices[k] * kTileRows + lane] = values[k];
  }
  double sum = 0;
  const int64_t end = within ? std::min(x.rows.rows, first + lanes) : x.rows.rows;
  for (int64_t row = 0; row < end; ++row) {
    double dots[kTileRows];
    DotWithTile(x.rows.RowIndices(row), x.rows.RowValues(row), tile.data(), dots);
    for (int64_t lane = within ? std::max<int64_t>(0, row - first + 1) : 0; lane < lanes; ++lane) {
      sum += std::sqrt(std::max(0.0, x.squares[row] + y.squares[first + lane] - 2 * dots[lane]));
    }
  }
  return sum;
}

// The mean over all ordered pairs, the pairs of a row with itself among them.
double MeanDistance(const GroupRows& x, const GroupRows& y, int threads) {
  const bool within = &x == &y;
  const int64_t tiles = (y.rows.rows + kTileRows - 1) / kTileRows;
  std::vector<double> sums(tiles);
  ParallelFor(tiles, threads, [&](int64_t k) { sums[k] = TileSum(x, y, k * kTileRows, within); });
  double sum = 0;
  for (const double part : sums) sum += part;
  return (within ? 2 : 1) * sum /
         (static_cast<double>(x.rows.rows) * static_cast<double>(y.rows.rows));
}

// The rows of the groups [first, last).
absl::StatusOr<std::vector<GroupRows>> LoadGroups(const CellTable& table, const Groups& groups,
                                                  const LoggedValues& values, int64_t first,
                                                  int64_t last) {
  std::vector<GroupRows> loaded(last - first);
  UNLASTING_RETURN_IF_ERROR(
      table.rows->ForEachBlock([&](int64_t first_row, const CsrMatrix& block) {
        for (int64_t r = 0; r < block.rows; ++r) {
          const int32_t group = groups.of_cell[first_row + r];
          if (group < first || group >= last) continue;
          AppendRow(block, r, first_row + r, values, &loaded[group - first]);
        }
        return absl::OkStatus();
      }));
  return loaded;
}

}  // namespace

absl::StatusOr<std::vector<double>> EnergyDistances(const CellTable& table, const Groups& groups,
                                                    const LoggedValues& values,
                                                    const EnergyOptions& options) {
  const int64_t targets = groups.control();
  UNLASTING_ASSIGN_OR_RETURN(const auto controls,
                             LoadGroups(table, groups, values, targets, targets + 1));
  const GroupRows& control = controls[0];
  const double within_control = MeanDistance(control, control, options.threads);
  double stored = 0;
  for (const int64_t cells : values.expressed()) stored += static_cast<double>(cells);
  const double bytes_per_cell =
      1 + stored * 8 / std::max<double>(1, static_cast<double>(groups.of_cell.size()));
  std::vector<double> distances(targets);
  for (int64_t first = 0; first < targets;) {
    int64_t last = first;
    double bytes = 0;
    while (last < targets && (last == first || bytes < static_cast<double>(options.row_bytes))) {
      bytes += bytes_per_cell * static_cast<double>(groups.cells[last++]);
    }
    UNLASTING_ASSIGN_OR_RETURN(const auto loaded, LoadGroups(table, groups, values, first, last));
    for (int64_t t = first; t < last; ++t) {
      const GroupRows& group = loaded[t - first];
      distances[t] = 2 * MeanDistance(group, control, options.threads) - within_control -
                     MeanDistance(group, group, options.threads);
    }
    first = last;
  }
  return distances;
}

}  // namespace unlasting::evaluate::rules
