#include "core/grn/gene_embedding.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <thread>
#include <unordered_map>

namespace unlasting::grn {
namespace {

// The nodes that have a vector, as columns of unit length: a row's products with all others then
// run along memory.
struct UnitColumns {
  std::vector<int32_t> nodes;
  DenseMatrix values;  // [dimensions, nodes]
};

UnitColumns ColumnsOf(const GeneEmbedding& embedding, const NodeNames& nodes, int64_t* unknown) {
  std::unordered_map<std::string, int64_t> rows;
  for (size_t k = 0; k < embedding.genes.size(); ++k) {
    rows.emplace(embedding.genes[k], static_cast<int64_t>(k));
  }
  UnitColumns columns;
  std::vector<int64_t> found;
  std::vector<double> norms;
  *unknown = 0;
  for (size_t node = 0; node < nodes.size(); ++node) {
    auto row = rows.find(nodes.names()[node]);
    if (row == rows.end() && !nodes.symbol(node).empty()) row = rows.find(nodes.symbol(node));
    if (row == rows.end()) {
      ++*unknown;
      continue;
    }
    const auto vector = embedding.vectors.Row(row->second);
    const double square = std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0);
    if (!(square > 0)) continue;  // a vector of zeros is like nothing
    columns.nodes.push_back(static_cast<int32_t>(node));
    found.push_back(row->second);
    norms.push_back(std::sqrt(square));
  }
  columns.values = DenseMatrix(embedding.vectors.cols, static_cast<int64_t>(found.size()));
  for (int64_t k = 0; k < columns.values.cols; ++k) {
    const auto vector = embedding.vectors.Row(found[k]);
    for (int64_t d = 0; d < columns.values.rows; ++d) {
      columns.values.At(d, k) = static_cast<float>(vector[d] / norms[k]);
    }
  }
  return columns;
}

}  // namespace

std::vector<Edge> CosineEdges(const GeneEmbedding& embedding, const NodeNames& nodes,
                              double threshold, int threads, int64_t* unknown) {
  const UnitColumns columns = ColumnsOf(embedding, nodes, unknown);
  const int64_t count = columns.values.cols;
  std::vector<std::vector<Edge>> found(count);
  std::atomic<int64_t> next{0};
  const auto work = [&] {
    std::vector<float> cosines;
    for (int64_t i = next++; i < count; i = next++) {
      cosines.assign(count, 0.0f);
      for (int64_t d = 0; d < columns.values.rows; ++d) {
        const auto row = columns.values.Row(d);
        const float own = row[i];
        for (int64_t j = i + 1; j < count; ++j) cosines[j] += own * row[j];
      }
      for (int64_t j = i + 1; j < count; ++j) {
        // The last bits of a float are no reason to lose a pair of equal vectors at 1.
        if (cosines[j] < threshold - 1e-6) continue;
        const double strength = std::min(1.0, static_cast<double>(cosines[j]));
        found[i].push_back({columns.nodes[i], columns.nodes[j], strength});
        found[i].push_back({columns.nodes[j], columns.nodes[i], strength});
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
