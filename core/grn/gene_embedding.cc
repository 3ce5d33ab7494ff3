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

// The rows of an embedding by name, and by loose name for those that fit no node as written.
class EmbeddingRows {
 public:
  explicit EmbeddingRows(const std::vector<std::string>& names) {
    for (size_t k = 0; k < names.size(); ++k) {
      exact_.emplace(names[k], static_cast<int64_t>(k));
      loose_.emplace(LooseGeneName(names[k]), static_cast<int64_t>(k));
    }
  }

  // The row of the first of the names that is there, or -1.
  int64_t Find(const std::vector<std::string>& names, bool* loose) const {
    for (const auto& name : names) {
      const auto row = exact_.find(name);
      if (row != exact_.end()) return row->second;
    }
    *loose = true;
    for (const auto& name : names) {
      const auto row = loose_.find(LooseGeneName(name));
      if (row != loose_.end()) return row->second;
    }
    return -1;
  }

 private:
  std::unordered_map<std::string, int64_t> exact_, loose_;
};

UnitColumns ColumnsOf(const GeneEmbedding& embedding, const NodeNames& nodes,
                      PriorMatches* matches) {
  const EmbeddingRows rows(embedding.genes);
  UnitColumns columns;
  std::vector<int64_t> found;
  std::vector<double> norms;
  *matches = PriorMatches();
  for (size_t node = 0; node < nodes.size(); ++node) {
    std::vector<std::string> names = {nodes.names()[node]};
    if (!nodes.symbol(node).empty()) names.push_back(nodes.symbol(node));
    bool loose = false;
    const int64_t row = rows.Find(names, &loose);
    if (row < 0) {
      ++matches->skipped;
      continue;
    }
    if (loose) matches->AddLoose(embedding.genes[row], nodes.names()[node]);
    const auto vector = embedding.vectors.Row(row);
    const double square = std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0);
    if (!(square > 0)) continue;  // a vector of zeros is like nothing
    columns.nodes.push_back(static_cast<int32_t>(node));
    found.push_back(row);
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
                              double threshold, int threads, PriorMatches* matches) {
  const UnitColumns columns = ColumnsOf(embedding, nodes, matches);
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
