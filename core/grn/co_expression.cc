#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <thread>

#include "core/grn/graph.h"

namespace unlasting::grn {
namespace {

// Cells whose rows a core's cache should keep while every gene of them is looked at.
constexpr int64_t kBlockCells = 2048;
// Genes of one task: their sums are kept until the last block of cells.
constexpr int64_t kGenesPerTask = 64;

// The cells of each gene within a block: [genes] ranges of (row, value).
struct ByGene {
  std::vector<int64_t> indptr;
  std::vector<int32_t> rows;
  std::vector<int32_t> next;  // where in its row the entry after this one begins
  std::vector<float> values;
};

ByGene Transpose(const CsrMatrix& cells, int64_t first, int64_t last) {
  ByGene genes;
  genes.indptr.assign(cells.cols + 1, 0);
  const int64_t begin = cells.indptr[first], end = cells.indptr[last];
  for (int64_t k = begin; k < end; ++k) ++genes.indptr[cells.indices[k] + 1];
  std::partial_sum(genes.indptr.begin(), genes.indptr.end(), genes.indptr.begin());
  genes.rows.resize(end - begin);
  genes.next.resize(end - begin);
  genes.values.resize(end - begin);
  std::vector<int64_t> at(genes.indptr.begin(), genes.indptr.end() - 1);
  for (int64_t r = first; r < last; ++r) {
    for (int64_t k = cells.indptr[r]; k < cells.indptr[r + 1]; ++k) {
      const int64_t to = at[cells.indices[k]]++;
      genes.rows[to] = static_cast<int32_t>(r - first);
      genes.next[to] = static_cast<int32_t>(k + 1 - cells.indptr[r]);
      genes.values[to] = cells.values[k];
    }
  }
  return genes;
}

struct Moments {
  std::vector<double> mean;
  std::vector<double> norm;  // root of the sum of squares about the mean; 0: constant
};

Moments GeneMoments(const CsrMatrix& cells) {
  std::vector<double> sum(cells.cols, 0.0), about(cells.cols, 0.0);
  std::vector<int64_t> present(cells.cols, 0);
  for (size_t k = 0; k < cells.values.size(); ++k) {
    sum[cells.indices[k]] += cells.values[k];
    ++present[cells.indices[k]];
  }
  const double n = static_cast<double>(std::max<int64_t>(cells.rows, 1));
  Moments moments;
  for (const double total : sum) moments.mean.push_back(total / n);
  for (size_t k = 0; k < cells.values.size(); ++k) {
    const double difference = cells.values[k] - moments.mean[cells.indices[k]];
    about[cells.indices[k]] += difference * difference;
  }
  for (int64_t g = 0; g < cells.cols; ++g) {
    const double mean = moments.mean[g];
    const double norm = std::sqrt(about[g] + (n - present[g]) * mean * mean);
    moments.norm.push_back(norm > 1e-12 ? norm : 0.0);
  }
  return moments;
}

// Sums over the cells of products x_i x_j for i in [first, last), j > i: only where both are
// expressed is there anything to add.
class ProductSums {
 public:
  ProductSums(const CsrMatrix& cells, const std::vector<ByGene>& blocks)
      : cells_(cells), blocks_(blocks) {}

  void Compute(int64_t first, int64_t last, std::vector<double>* sums) const {
    sums->assign((last - first) * cells_.cols, 0.0);
    for (size_t b = 0; b < blocks_.size(); ++b) {
      const ByGene& genes = blocks_[b];
      const int64_t first_cell = static_cast<int64_t>(b) * kBlockCells;
      for (int64_t i = first; i < last; ++i) {
        double* out = sums->data() + (i - first) * cells_.cols;
        for (int64_t k = genes.indptr[i]; k < genes.indptr[i + 1]; ++k) {
          const int64_t cell = first_cell + genes.rows[k];
          const double value = genes.values[k];
          const int64_t end = cells_.indptr[cell + 1];
          for (int64_t at = cells_.indptr[cell] + genes.next[k]; at < end; ++at) {
            out[cells_.indices[at]] += value * cells_.values[at];
          }
        }
      }
    }
  }

 private:
  const CsrMatrix& cells_;
  const std::vector<ByGene>& blocks_;
};

}  // namespace

std::vector<Edge> CoExpressionEdges(const CsrMatrix& cells, double threshold, int threads) {
  const Moments moments = GeneMoments(cells);
  std::vector<ByGene> blocks;
  for (int64_t first = 0; first < cells.rows; first += kBlockCells) {
    blocks.push_back(Transpose(cells, first, std::min(first + kBlockCells, cells.rows)));
  }
  const ProductSums products(cells, blocks);
  const int64_t tasks = (cells.cols + kGenesPerTask - 1) / kGenesPerTask;
  std::vector<std::vector<Edge>> found(tasks);
  std::atomic<int64_t> next{0};
  const auto n = static_cast<double>(cells.rows);
  const auto work = [&] {
    std::vector<double> sums;
    for (int64_t task = next++; task < tasks; task = next++) {
      const int64_t first = task * kGenesPerTask;
      const int64_t last = std::min(first + kGenesPerTask, cells.cols);
      products.Compute(first, last, &sums);
      for (int64_t i = first; i < last; ++i) {
        for (int64_t j = i + 1; j < cells.cols && moments.norm[i] > 0; ++j) {
          if (moments.norm[j] == 0) continue;
          const double covariance =
              sums[(i - first) * cells.cols + j] - n * moments.mean[i] * moments.mean[j];
          const double strength = std::abs(covariance / (moments.norm[i] * moments.norm[j]));
          if (strength < threshold) continue;
          found[task].push_back({static_cast<int32_t>(i), static_cast<int32_t>(j), strength});
          found[task].push_back({static_cast<int32_t>(j), static_cast<int32_t>(i), strength});
        }
      }
    }
  };
  std::vector<std::thread> helpers;
  for (int k = 1; k < threads; ++k) helpers.emplace_back(work);
  work();
  for (auto& helper : helpers) helper.join();
  std::vector<Edge> edges;
  for (const auto& part : found) edges.insert(edges.end(), part.begin(), part.end());
  return edges;
}

}  // namespace unlasting::grn
