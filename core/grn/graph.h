// graph.h holds the gene regulatory network: which genes are regulated by which others (eq 4).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
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

// The name without its case and, of an Ensembl id, its version: ENSG00000115415 for
// ensg00000115415.19. Lists and matrices write both as they please.
std::string LooseGeneName(absl::string_view name);

// The names by which edges and embeddings may call the nodes of a graph: a node's own, which takes
// precedence, or its symbol. Immutable; any thread.
class NodeNames {
 public:
  // `symbols[k]` is a second name of the node `names[k]`, or ""; there may be fewer of them.
  explicit NodeNames(std::vector<std::string> names, std::vector<std::string> symbols = {});

  // The node, or -1. Of nodes that share a name the first has it. A name that no node has as it is
  // written names the one whose LooseGeneName it shares, if there is one such: then `loose` is set.
  int32_t Find(const std::string& name, bool* loose = nullptr) const;
  const std::vector<std::string>& names() const { return names_; }
  // The node's symbol, "" where it has none.
  const std::string& symbol(size_t node) const;
  size_t size() const { return names_.size(); }

 private:
  std::vector<std::string> names_, symbols_;
  std::unordered_map<std::string, int32_t> nodes_;
  std::unordered_map<std::string, int32_t> loose_;  // -1 where several nodes share the loose name
};

// How the names of a prior fit those of the data's genes.
struct PriorMatches {
  int64_t skipped = 0;  // edges that name what is no node; of an embedding, nodes that it lacks
  int64_t loose = 0;    // names that fit by LooseGeneName alone
  std::string example;  // of those: "'Stat1' for 'STAT1'"

  void AddLoose(const std::string& name, const std::string& node);
};

// A tab-separated edge list: source, target, further columns ignored; a header with a column
// `target` says where that and `source` (else the first) are. The list that `unlasting-train
// network` writes has a column `strength` behind these, which is read. Edges that name what is no
// node are skipped and counted in `matches`. Lines that start with '#' and a header line whose
// names are no nodes are skipped too. INVALID_ARGUMENT where no edge is left.
absl::StatusOr<std::vector<Edge>> ReadPriorEdges(const std::string& path, const NodeNames& nodes,
                                                 PriorMatches* matches);

// Merges duplicates (strongest wins), adds self-loops, keeps the `max_in_degree` strongest edges
// into each node besides the self-loop (0: all).
Graph BuildGraph(int64_t nodes, std::vector<Edge> edges, int max_in_degree);

// nodes, edges, in-degree quantiles, nodes with a self-loop only.
nlohmann::json Describe(const Graph& graph);

}  // namespace unlasting::grn
