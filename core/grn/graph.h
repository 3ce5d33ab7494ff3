// graph.h holds the gene regulatory network: which genes are regulated by which others (eq 4).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"
#include "nlohmann/json.hpp"

namespace unlasting::grn {

// Directed, one self-loop per node, shared by all cells. Nodes are the bundle's genes in order,
// then the perturbed genes without expression. Row = target gene, entries = its sources, ascending.
struct Graph {
  std::vector<int64_t> indptr = {0};
  std::vector<int32_t> sources;
  std::vector<float> strengths;  // per entry of `sources`; 1 for self-loops

  int64_t nodes() const { return static_cast<int64_t>(indptr.size()) - 1; }
  int64_t edges() const { return static_cast<int64_t>(sources.size()); }
};

struct Edge {
  int32_t source = 0;
  int32_t target = 0;
  double strength = 1;  // |Pearson| or the prior's value; decides who stays under a degree cap
};

// Both directions of every pair of genes with |Pearson| >= threshold over the rows of `cells`
// ([cells, genes], log1p control cells), in the order of their first gene. Genes of constant
// expression have no edges. Work grows with the square of the number of genes per cell that are
// expressed; memory is about twice that of `cells`. The result does not depend on `threads`.
std::vector<Edge> CoExpressionEdges(const CsrMatrix& cells, double threshold, int threads = 1);

// A tab-separated edge list: source, target, further columns ignored; a header with a column
// `target` says where that and `source` (else the first) are. Names that are not nodes are
// skipped and counted in `skipped`. Lines that start with '#' and a header line whose names are no
// nodes are skipped too.
absl::StatusOr<std::vector<Edge>> ReadPriorEdges(const std::string& path,
                                                 const std::vector<std::string>& nodes,
                                                 int64_t* skipped);

// Merges duplicates (strongest wins), adds self-loops, keeps the `max_in_degree` strongest edges
// into each node besides the self-loop (0: all).
Graph BuildGraph(int64_t nodes, std::vector<Edge> edges, int max_in_degree);

// nodes, edges, in-degree quantiles, nodes with a self-loop only.
nlohmann::json Describe(const Graph& graph);

}  // namespace unlasting::grn
