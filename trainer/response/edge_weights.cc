#include "trainer/response/edge_weights.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace unlasting::trainer {
namespace {

using torch::Tensor;

constexpr size_t kMaxCells = 10000;
constexpr size_t kMaxSources = 64;
// Of a source's variance; less cannot be told from sampling noise alone.
constexpr double kSmallestReliability = 0.1;
// Smallest eigenvalue of the sources' correlations: what they share is split evenly below it.
constexpr double kSmallestEigenvalue = 0.05;

// Columns of the cells taken, each against the mean control cell of its type.
class Columns {
 public:
  Columns(const TrainingData& data, const ConditionMoments& moments) : genes_(data.genes()) {
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
      control_.push_back(moments.control(static_cast<int32_t>(type)).mean);
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
      const double mean = control_[type].data_ptr<double>()[gene];
      for (const int64_t row : types_[type]) out[row] = -mean;
    }
    for (int64_t k = indptr_[gene]; k < indptr_[gene + 1]; ++k) out[rows_[k]] += values_[k];
  }

 private:
  // Variance of log1p(y) that counting alone gives, y / (1 + y)^2 times the value of one count,
  // which is the smallest that a cell has.
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
  std::vector<Tensor> control_;
};

// The regression of `target` on `sources` as a correlation matrix with a floor under its
// eigenvalues, sources' variances less their noise.
Tensor Regress(const Tensor& sources, const Tensor& target, const Tensor& noise) {
  const Tensor products = torch::matmul(sources, sources.t());
  const Tensor squares = products.diag();
  const Tensor scale = squares.clamp_min(1e-12).sqrt();
  const Tensor correlation = products / torch::outer(scale, scale);
  const Tensor reliability =
      (1.0 - noise * static_cast<double>(target.size(0)) / squares.clamp_min(1e-12))
          .clamp(kSmallestReliability, 1.0);
  correlation.diagonal().copy_(reliability);
  const auto [eigenvalues, vectors] = torch::linalg_eigh(correlation);
  const Tensor with_target = torch::matmul(sources, target) / scale;
  return torch::matmul(vectors, torch::matmul(vectors.t(), with_target) /
                                    eigenvalues.clamp_min(kSmallestEigenvalue)) /
         scale;
}

}  // namespace

std::vector<double> EdgeWeights(const TrainingData& data, const ConditionMoments& moments,
                                const grn::Graph& graph) {
  const Columns columns(data, moments);
  const int64_t count = columns.count();
  std::vector<double> weights(graph.edges(), 0.0);
  std::vector<double> buffer;
  for (int64_t target = 0; target < data.genes(); ++target) {
    std::vector<int64_t> edges;
    for (int64_t e = graph.indptr[target]; e < graph.indptr[target + 1]; ++e) {
      if (graph.sources[e] != target && graph.sources[e] < data.genes()) edges.push_back(e);
    }
    if (edges.empty()) continue;
    std::stable_sort(edges.begin(), edges.end(),
                     [&](int64_t a, int64_t b) { return graph.strengths[a] > graph.strengths[b]; });
    edges.resize(std::min(edges.size(), kMaxSources));
    const auto rows = static_cast<int64_t>(edges.size()) + 1;
    buffer.resize(rows * count);
    columns.Fill(target, buffer.data());
    std::vector<double> noise;
    for (int64_t k = 1; k < rows; ++k) {
      const int64_t source = graph.sources[edges[k - 1]];
      columns.Fill(source, buffer.data() + k * count);
      noise.push_back(columns.noise(source));
    }
    for (const int64_t row : columns.perturbed(target)) {
      for (int64_t k = 0; k < rows; ++k) buffer[k * count + row] = 0;
    }
    const Tensor values = torch::from_blob(buffer.data(), {rows, count}, torch::kFloat64);
    const Tensor slopes =
        Regress(values.narrow(0, 1, rows - 1), values[0], torch::tensor(noise, torch::kFloat64));
    for (int64_t k = 0; k + 1 < rows; ++k) weights[edges[k]] = slopes[k].item<double>();
  }
  return weights;
}

}  // namespace unlasting::trainer
