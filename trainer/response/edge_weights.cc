#include "trainer/response/edge_weights.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/parallel.h"
#include "trainer/response/symmetric_eigen.h"

namespace unlasting::trainer {
namespace {

constexpr size_t kMaxCells = 10000;
constexpr size_t kMaxSources = 64;
// Share of a source's variance that is signal; a smaller share cannot be told from sampling noise.
constexpr double kSmallestReliability = 0.1;
// Smallest eigenvalue of the sources' correlations: below it, sources that vary together share
// their effect evenly.
constexpr double kSmallestEigenvalue = 0.05;
constexpr double kSmallestSquares = 1e-12;
// Entries of a dot product that are summed side by side, which lets the compiler use vectors, and
// those of a row that are taken at a time, so that all rows of a block stay in the cache.
constexpr int64_t kLanes = 8;
constexpr int64_t kBlock = 512;
// Targets whose regressions share a task and its memory.
constexpr int64_t kTargetsPerTask = 16;

// The columns of the cells used, each minus the mean control cell of the cell's type.
class CentredColumns {
 public:
  CentredColumns(const TrainingData& data, const ConditionMoments& moments) : genes_(data.genes()) {
    const CsrMatrix& values = data.prepared().data.values;
    const std::vector<int64_t>& all = moments.cells();
    const size_t step = all.size() / kMaxCells + 1;
    std::vector<int64_t> cells;
    for (size_t k = 0; k < all.size(); k += step) cells.push_back(all[k]);
    count_ = static_cast<int64_t>(cells.size());

    indptr_.assign(genes_ + 1, 0);
    for (const int64_t cell : cells) {
      for (const int32_t gene : values.RowIndices(cell)) ++indptr_[gene + 1];
    }
    std::partial_sum(indptr_.begin(), indptr_.end(), indptr_.begin());
    rows_.resize(indptr_.back());
    values_.resize(indptr_.back());
    std::vector<int64_t> next(indptr_.begin(), indptr_.end() - 1);
    noise_.assign(genes_, 0.0);
    perturbed_.resize(data.nodes());
    types_.resize(moments.cell_types());
    for (int64_t type = 0; type < moments.cell_types(); ++type) {
      control_.push_back(&moments.control(static_cast<int32_t>(type)).mean);
    }
    for (int64_t row = 0; row < count_; ++row) {
      const int64_t cell = cells[row];
      types_[data.cell_type(cell)].push_back(row);
      for (const int32_t node : data.inputs(cell).knockout) perturbed_[node].push_back(row);
      const auto genes = values.RowIndices(cell);
      const auto expressed = values.RowValues(cell);
      AddNoise(genes, expressed);
      for (size_t k = 0; k < genes.size(); ++k) {
        const int64_t at = next[genes[k]]++;
        rows_[at] = static_cast<int32_t>(row);
        values_[at] = expressed[k];
      }
    }
    for (double& noise : noise_) noise /= static_cast<double>(std::max<int64_t>(count_, 1));
  }

  int64_t count() const { return count_; }
  double noise(int64_t gene) const { return noise_[gene]; }
  // Rows in which a node is perturbed.
  const std::vector<int64_t>& perturbed(int64_t node) const { return perturbed_[node]; }

  // [count()]
  void Fill(int64_t gene, double* out) const {
    for (size_t type = 0; type < types_.size(); ++type) {
      const double mean = (*control_[type])[gene];
      for (const int64_t row : types_[type]) out[row] = -mean;
    }
    for (int64_t k = indptr_[gene]; k < indptr_[gene + 1]; ++k) out[rows_[k]] += values_[k];
  }

 private:
  // Counting alone gives log1p(y) the variance y / (1 + y)^2 times the value of one count, which is
  // the smallest value of a cell.
  void AddNoise(absl::Span<const int32_t> genes, absl::Span<const float> expressed) {
    double smallest = HUGE_VAL;
    for (const float value : expressed) {
      if (value > 0) smallest = std::min(smallest, std::expm1(static_cast<double>(value)));
    }
    for (size_t k = 0; k < genes.size(); ++k) {
      const double y = std::expm1(static_cast<double>(expressed[k]));
      noise_[genes[k]] += smallest * y / ((1 + y) * (1 + y));
    }
  }

  int64_t genes_ = 0, count_ = 0;
  std::vector<int64_t> indptr_;
  std::vector<int32_t> rows_;
  std::vector<float> values_;
  std::vector<double> noise_;
  std::vector<std::vector<int64_t>> perturbed_, types_;  // rows by node, by cell type
  std::vector<const GeneValues*> control_;               // by cell type
};

// [rows, rows]: products of the rows of `values` [rows, stride], where stride is a multiple of
// kLanes.
std::vector<double> ProductsOf(const std::vector<double>& values, int64_t rows, int64_t stride) {
  std::vector<double> products(rows * rows);
  for (int64_t from = 0; from < stride; from += kBlock) {
    const int64_t to = std::min(from + kBlock, stride);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j <= i; ++j) {
        const double* a = &values[i * stride];
        const double* b = &values[j * stride];
        double lanes[kLanes] = {};
        for (int64_t k = from; k < to; k += kLanes) {
          for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[k + lane] * b[k + lane];
        }
        products[i * rows + j] += std::accumulate(lanes, lanes + kLanes, 0.0);
      }
    }
  }
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < i; ++j) products[j * rows + i] = products[i * rows + j];
  }
  return products;
}

// The slopes of the regression of a target on its n sources, from the products [n + 1, n + 1] of
// their columns over `cells` cells, the target first: that of a correlation matrix whose
// eigenvalues are bounded from below, with the sources' variances minus their sampling noise.
std::vector<double> Regress(const std::vector<double>& products, const std::vector<double>& noise,
                            int64_t cells) {
  const size_t n = noise.size(), rows = n + 1;
  std::vector<double> scale(n), correlation(n * n);
  for (size_t i = 0; i < n; ++i) {
    scale[i] = std::sqrt(std::max(products[(i + 1) * rows + i + 1], kSmallestSquares));
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      correlation[i * n + j] = products[(i + 1) * rows + j + 1] / (scale[i] * scale[j]);
    }
    const double squares = std::max(products[(i + 1) * rows + i + 1], kSmallestSquares);
    correlation[i * n + i] = std::clamp(1.0 - noise[i] * static_cast<double>(cells) / squares,
                                        kSmallestReliability, 1.0);
  }
  const SymmetricEigen eigen = DecomposeSymmetric(std::move(correlation), n);
  std::vector<double> slopes(n);
  for (size_t k = 0; k < n; ++k) {
    const double* vector = &eigen.vectors[k * n];
    double with_target = 0;
    for (size_t i = 0; i < n; ++i) with_target += vector[i] * products[i + 1] / scale[i];
    with_target /= std::max(eigen.values[k], kSmallestEigenvalue);
    for (size_t i = 0; i < n; ++i) slopes[i] += vector[i] * with_target / scale[i];
  }
  return slopes;
}

// Edges of `graph` into `target` whose sources are measured, the strongest.
std::vector<int64_t> EdgesInto(int64_t target, int64_t genes, const grn::Graph& graph) {
  std::vector<int64_t> edges;
  for (int64_t e = graph.indptr[target]; e < graph.indptr[target + 1]; ++e) {
    if (graph.sources[e] != target && graph.sources[e] < genes) edges.push_back(e);
  }
  std::stable_sort(edges.begin(), edges.end(),
                   [&](int64_t a, int64_t b) { return graph.strengths[a] > graph.strengths[b]; });
  edges.resize(std::min(edges.size(), kMaxSources));
  return edges;
}

// The weights of the edges into one target, the rest of `weights` left alone. `values` is memory
// that is used again from target to target.
void EstimateWeightsInto(int64_t target, const CentredColumns& columns, const TrainingData& data,
                         const grn::Graph& graph, std::vector<double>* values,
                         std::vector<double>* weights) {
  const std::vector<int64_t> edges = EdgesInto(target, data.genes(), graph);
  if (edges.empty()) return;
  const int64_t stride = (columns.count() + kLanes - 1) / kLanes * kLanes;
  const auto rows = static_cast<int64_t>(edges.size()) + 1;
  values->assign(rows * stride, 0.0);
  std::vector<double> noise;
  columns.Fill(target, values->data());
  for (int64_t k = 1; k < rows; ++k) {
    const int64_t source = graph.sources[edges[k - 1]];
    columns.Fill(source, &(*values)[k * stride]);
    noise.push_back(columns.noise(source));
  }
  // Cells in which the target itself was perturbed say nothing of its sources.
  for (const int64_t row : columns.perturbed(target)) {
    for (int64_t k = 0; k < rows; ++k) (*values)[k * stride + row] = 0;
  }
  const std::vector<double> slopes =
      Regress(ProductsOf(*values, rows, stride), noise, columns.count());
  for (size_t k = 0; k < edges.size(); ++k) (*weights)[edges[k]] = slopes[k];
}

}  // namespace

std::vector<double> EstimateEdgeWeights(const TrainingData& data, const ConditionMoments& moments,
                                        const grn::Graph& graph, int threads) {
  const CentredColumns columns(data, moments);
  std::vector<double> weights(graph.edges(), 0.0);
  const int64_t tasks = (data.genes() + kTargetsPerTask - 1) / kTargetsPerTask;
  ParallelFor(tasks, threads, [&](int64_t task) {
    std::vector<double> values;
    const int64_t end = std::min((task + 1) * kTargetsPerTask, data.genes());
    for (int64_t target = task * kTargetsPerTask; target < end; ++target) {
      EstimateWeightsInto(target, columns, data, graph, &values, &weights);
    }
  });
  return weights;
}

}  // namespace unlasting::trainer
