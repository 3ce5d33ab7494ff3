#include "trainer/response/count_model.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numeric>
#include <random>
#include <utility>

#include "absl/types/span.h"
#include "core/cells/normalise.h"
#include "core/evaluate/distances.h"
#include "core/evaluate/pair_sums.h"
#include "core/predict/job/counts.h"

namespace unlasting::trainer {
namespace {

// Groups of fewer cells say little of how their cells differ.
constexpr size_t kMinCells = 5;
// Genes to either side, by rank of the mean, that a gene's trend is made of.
constexpr int64_t kTrendGenes = 25;

// Of one gene, over all groups.
struct GeneSums {
  double excess = 0;    // of the squared differences over the expected counts
  double expected = 0;  // of the expected counts
  double squares = 0;   // of their squares
  double cells = 0;
};

// Adds one group's part: of a cell with library size L, the expected count is L times the group's
// counts of the gene over all its counts.
void AddGroup(const cells::Prepared& prepared, const std::vector<int64_t>& cells,
              std::vector<GeneSums>* sums) {
  const size_t genes = sums->size();
  std::vector<double> count(genes), squares(genes), by_library(genes);
  double library = 0, library_squares = 0;
  for (const int64_t cell : cells) {
    const double size = prepared.library_size[cell];
    library += size;
    library_squares += size * size;
    const auto columns = prepared.data.values.RowIndices(cell);
    const auto values = prepared.data.values.RowValues(cell);
    for (size_t k = 0; k < columns.size(); ++k) {
      // The counts were normalised in float32.
      const double c =
          std::round(std::expm1(static_cast<double>(values[k])) * size / prepared.target_sum);
      count[columns[k]] += c;
      squares[columns[k]] += c * c;
      by_library[columns[k]] += c * size;
    }
  }
  if (!(library > 0)) return;
  const auto n = static_cast<double>(cells.size());
  for (size_t g = 0; g < genes; ++g) {
    if (count[g] == 0) continue;
    const double share = count[g] / library;
    const double residual =
        squares[g] - 2 * share * by_library[g] + share * share * library_squares;
    GeneSums& sum = (*sums)[g];
    sum.excess += residual * n / (n - 1) - count[g];
    sum.expected += count[g];
    sum.squares += share * share * library_squares;
    sum.cells += n;
  }
}

std::vector<GeneSums> SumsOf(const TrainingData& data) {
  const cells::Prepared& prepared = data.prepared();
  std::map<std::pair<int32_t, int32_t>, std::vector<int64_t>> groups;
  for (const int64_t cell : prepared.split.Cells(/*test_cells=*/false)) {
    groups[{prepared.data.condition[cell], data.cell_type(cell)}].push_back(cell);
  }
  std::vector<GeneSums> sums(data.genes());
  for (const auto& [unused, cells] : groups) {
    if (cells.size() >= kMinCells) AddGroup(prepared, cells, &sums);
  }
  return sums;
}

// A dispersion with the variance of its estimate.
struct Estimate {
  double dispersion = 0;
  double variance = 0;
};

// The variance of the moment estimate where the true dispersion is `dispersion`: that of a squared
// difference is about 2 V^2 + V, of counts with the variance V.
double NoiseOf(const GeneSums& sum, double dispersion) {
  const double mean = sum.expected / sum.cells;
  const double variance = mean + dispersion * mean * mean;
  return sum.cells * (2 * variance * variance + variance) / (sum.squares * sum.squares);
}

// For the genes `order`, by rising mean, the mean dispersion of their neighbours.
std::vector<double> TrendOf(const std::vector<GeneSums>& sums, const std::vector<int64_t>& order) {
  std::vector<double> trend(sums.size());
  const auto count = static_cast<int64_t>(order.size());
  for (int64_t k = 0; k < count; ++k) {
    double excess = 0, weights = 0;
    for (int64_t j = std::max<int64_t>(k - kTrendGenes, 0);
         j < std::min(k + kTrendGenes + 1, count); ++j) {
      const GeneSums& sum = sums[order[j]];
      const double weight = 1 / NoiseOf(sum, 1);
      excess += weight * sum.excess / sum.squares;
      weights += weight;
    }
    trend[order[k]] = std::max(excess / weights, 0.0);
  }
  return trend;
}

// Four digits are more than is known.
double Rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return std::strtod(text, nullptr);
}

std::vector<double> DispersionsOf(const std::vector<GeneSums>& sums) {
  std::vector<int64_t> order;
  for (size_t g = 0; g < sums.size(); ++g) {
    if (sums[g].squares > 0) order.push_back(static_cast<int64_t>(g));
  }
  std::stable_sort(order.begin(), order.end(), [&sums](int64_t a, int64_t b) {
    return sums[a].expected / sums[a].cells < sums[b].expected / sums[b].cells;
  });
  const std::vector<double> trend = TrendOf(sums, order);
  // How far genes lie from the trend beyond their noise, each gene weighted by what it tells.
  double spread = 0, weights = 0;
  for (const int64_t g : order) {
    const double noise = NoiseOf(sums[g], trend[g]);
    const double difference = sums[g].excess / sums[g].squares - trend[g];
    spread += (difference * difference - noise) / (noise * noise);
    weights += 1 / (noise * noise);
  }
  const double between = weights > 0 ? std::max(spread / weights, 0.0) : 0;
  // Genes without counts are as the rarest.
  std::vector<double> dispersions(
      sums.size(),
      order.empty() ? 0
                    : Rounded(std::min(trend[order.front()], bundle::CountModel::kMaxDispersion)));
  for (const int64_t g : order) {
    const double kept = between / (between + NoiseOf(sums[g], trend[g]));
    const double drawn = trend[g] + kept * (sums[g].excess / sums[g].squares - trend[g]);
    dispersions[g] = Rounded(std::clamp(drawn, 0.0, bundle::CountModel::kMaxDispersion));
  }
  return dispersions;
}

// Shares of the dispersion that are tried, and the cells on which they are.
constexpr double kShares[] = {0, 0.25, 0.5, 1};
constexpr size_t kMaxTypes = 8;
constexpr size_t kMaxHalf = 200;
constexpr size_t kMinHalf = 10;

// Two halves of the control cells of a type, drawn by seed.
struct Halves {
  std::vector<int64_t> drawn, others;
};

std::vector<Halves> HalvesOf(const TrainingData& data, uint64_t seed) {
  const cells::Prepared& prepared = data.prepared();
  std::vector<Halves> all;
  for (size_t type = 0; type < prepared.data.cell_types.size() && all.size() < kMaxTypes; ++type) {
    std::vector<int64_t> cells;
    for (const int64_t cell : data.controls(static_cast<int32_t>(type))) {
      const bool counted = prepared.library_size[cell] > 0;
      if (counted && data.cell_type(cell) == static_cast<int32_t>(type)) cells.push_back(cell);
    }
    std::mt19937_64 random(seed + type);
    std::shuffle(cells.begin(), cells.end(), random);
    const size_t half = std::min(cells.size() / 2, kMaxHalf);
    if (half < kMinHalf) continue;
    const auto middle = cells.begin() + static_cast<int64_t>(half);
    all.push_back({{cells.begin(), middle}, {middle, middle + static_cast<int64_t>(half)}});
  }
  return all;
}

// The E-distance of counts drawn from one half, as log1p values, to the other half.
double ErrorOf(const cells::Prepared& prepared, const Halves& halves,
               const std::vector<double>& dispersion, double share, uint64_t seed) {
  DenseMatrix drawn = SelectRowsDense(prepared.data.values, halves.drawn);
  const DenseMatrix others = SelectRowsDense(prepared.data.values, halves.others);
  std::vector<int64_t> columns(drawn.cols);
  std::iota(columns.begin(), columns.end(), 0);
  std::vector<float> counts(columns.size());
  for (int64_t r = 0; r < drawn.rows; ++r) {
    const double size = prepared.library_size[halves.drawn[r]];
    const predict::CountDraw draw = {seed + static_cast<uint64_t>(r), size / prepared.target_sum,
                                     share};
    predict::DrawCounts(drawn.Row(r), dispersion, draw, columns, absl::MakeSpan(counts));
    const cells::CountScale scale(size, prepared.target_sum);
    for (size_t g = 0; g < counts.size(); ++g) drawn.Row(r)[g] = scale.Log1p(counts[g]);
  }
  return evaluate::EDistanceFromSums(evaluate::CrossPairs(drawn, others, {}),
                                     evaluate::WithinPairs(drawn, {}), drawn.rows,
                                     evaluate::WithinPairs(others, {}), others.rows)
      .unbiased;
}

// Fills the share that is drawn with, and what was tried.
void ChooseShare(const TrainingData& data, uint64_t seed, bundle::CountModel* model) {
  const std::vector<Halves> halves = HalvesOf(data, seed);
  if (halves.empty()) return;
  double least = 0;
  for (const double share : kShares) {
    double error = 0;
    for (const Halves& each : halves) {
      error += ErrorOf(data.prepared(), each, model->dispersion, share, seed) /
               static_cast<double>(halves.size());
    }
    model->curve.push_back({share, Rounded(error)});
    if (model->curve.size() > 1 && error >= least) continue;
    least = error;
    model->dispersion_share = share;
  }
}

}  // namespace

bundle::CountModel FitCountModel(const TrainingData& data, uint64_t seed) {
  const cells::Prepared& prepared = data.prepared();
  bundle::CountModel model;
  if (prepared.library_size.empty() || !(prepared.target_sum > 0)) return model;
  std::vector<int64_t> controls;
  for (const int64_t cell : prepared.split.Cells(/*test_cells=*/false)) {
    if (prepared.data.conditions[prepared.data.condition[cell]].control) controls.push_back(cell);
  }
  model.library_size = cells::MedianLibrarySize(prepared.library_size, controls);
  if (!(model.library_size > 0)) return {};
  model.dispersion = DispersionsOf(SumsOf(data));
  ChooseShare(data, seed, &model);
  return model;
}

}  // namespace unlasting::trainer
