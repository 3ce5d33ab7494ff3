#include "core/network/graph.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace unlasting::network {
namespace {

// Rows of unit length about their mean, [genes, cells]: a dot product is then Pearson's r.
DenseMatrix StandardisedGenes(const CsrMatrix& cells, std::vector<bool>* constant) {
  DenseMatrix genes(cells.cols, cells.rows);
  for (int64_t r = 0; r < cells.rows; ++r) {
    const auto columns = cells.RowIndices(r);
    const auto values = cells.RowValues(r);
    for (size_t k = 0; k < columns.size(); ++k) genes.At(columns[k], r) = values[k];
  }
  constant->assign(cells.cols, false);
  for (int64_t g = 0; g < genes.rows; ++g) {
    auto row = genes.Row(g);
    double mean = 0;
    for (const float value : row) mean += value;
    mean /= static_cast<double>(std::max<int64_t>(cells.rows, 1));
    double norm = 0;
    for (const float value : row) norm += (value - mean) * (value - mean);
    norm = std::sqrt(norm);
    (*constant)[g] = !(norm > 1e-12);
    for (float& value : row) {
      value = (*constant)[g] ? 0.0f : static_cast<float>((value - mean) / norm);
    }
  }
  return genes;
}

double Dot(absl::Span<const float> a, absl::Span<const float> b) {
  // Eight partial sums: short enough to be exact in float32 products, long enough to vectorise.
  double sums[8] = {0};
  size_t k = 0;
  for (; k + 8 <= a.size(); k += 8) {
    for (int j = 0; j < 8; ++j) sums[j] += static_cast<double>(a[k + j]) * b[k + j];
  }
  double total = 0;
  for (; k < a.size(); ++k) total += static_cast<double>(a[k]) * b[k];
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace

std::vector<Edge> CoExpressionEdges(const CsrMatrix& cells, double threshold) {
  std::vector<bool> constant;
  const DenseMatrix genes = StandardisedGenes(cells, &constant);
  std::vector<Edge> edges;
  for (int32_t i = 0; i < genes.rows; ++i) {
    if (constant[i]) continue;
    for (int32_t j = i + 1; j < genes.rows; ++j) {
      if (constant[j]) continue;
      const double strength = std::abs(Dot(genes.Row(i), genes.Row(j)));
      if (strength < threshold) continue;
      edges.push_back({i, j, strength});
      edges.push_back({j, i, strength});
    }
  }
  return edges;
}

absl::StatusOr<std::vector<Edge>> ReadPriorEdges(const std::string& path,
                                                 const std::vector<std::string>& nodes,
                                                 int64_t* skipped) {
  std::ifstream stream(path);
  if (!stream)
    return absl::NotFoundError(absl::StrCat("network.prior: ", path, ": cannot be read"));
  std::unordered_map<std::string, int32_t> index;
  for (size_t k = 0; k < nodes.size(); ++k) index.emplace(nodes[k], static_cast<int32_t>(k));
  std::vector<Edge> edges;
  *skipped = 0;
  std::string line;
  for (int64_t number = 1; std::getline(stream, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || line[0] == '#') continue;
    const std::vector<std::string> fields = absl::StrSplit(line, '\t');
    if (fields.size() < 2) {
      return absl::InvalidArgumentError(absl::StrCat("network.prior: ", path, ": line ", number,
                                                     ": found no tab, expected source and target"));
    }
    const auto source = index.find(fields[0]);
    const auto target = index.find(fields[1]);
    if (source == index.end() || target == index.end()) {
      ++*skipped;
      continue;
    }
    edges.push_back({source->second, target->second, 1.0});
  }
  return edges;
}

Graph BuildGraph(int64_t nodes, std::vector<Edge> edges, int max_in_degree) {
  std::vector<std::map<int32_t, double>> incoming(nodes);
  for (const Edge& edge : edges) {
    if (edge.source == edge.target) continue;
    double& strength = incoming[edge.target][edge.source];
    strength = std::max(strength, edge.strength);
  }
  Graph graph;
  for (int64_t target = 0; target < nodes; ++target) {
    std::vector<std::pair<double, int32_t>> ranked;
    for (const auto& [source, strength] : incoming[target]) ranked.emplace_back(-strength, source);
    std::sort(ranked.begin(), ranked.end());
    if (max_in_degree > 0 && ranked.size() > static_cast<size_t>(max_in_degree)) {
      ranked.resize(max_in_degree);
    }
    std::vector<int32_t> sources = {static_cast<int32_t>(target)};
    for (const auto& [strength, source] : ranked) sources.push_back(source);
    std::sort(sources.begin(), sources.end());
    graph.sources.insert(graph.sources.end(), sources.begin(), sources.end());
    graph.indptr.push_back(graph.edges());
  }
  return graph;
}

nlohmann::json Describe(const Graph& graph) {
  std::vector<int64_t> degrees;
  int64_t alone = 0;
  for (int64_t node = 0; node < graph.nodes(); ++node) {
    degrees.push_back(graph.indptr[node + 1] - graph.indptr[node] - 1);
    if (degrees.back() == 0) ++alone;
  }
  std::sort(degrees.begin(), degrees.end());
  const auto quantile = [&](double q) {
    return degrees.empty() ? 0 : degrees[static_cast<size_t>(q * (degrees.size() - 1))];
  };
  return {{"nodes", graph.nodes()},
          {"edges", graph.edges() - graph.nodes()},
          {"self_loops", graph.nodes()},
          {"in_degree", {{"median", quantile(0.5)}, {"p90", quantile(0.9)}, {"max", quantile(1)}}},
          {"nodes_without_neighbours", alone}};
}

}  // namespace unlasting::network
