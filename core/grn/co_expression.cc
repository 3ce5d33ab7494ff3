#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "core/grn/graph.h"
#include "core/grn/product_sums.h"

namespace unlasting::grn {
namespace {

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

}  // namespace

std::vector<Edge> CoExpressionEdges(const CsrMatrix& cells, double threshold, int threads) {
  const Moments moments = GeneMoments(cells);
  const ProductSums products(cells);
  constexpr int64_t kGenesPerTask = ProductSums::kGenesPerTask;
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
