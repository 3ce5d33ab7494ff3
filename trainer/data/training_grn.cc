#include "trainer/data/training_grn.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/anndata/warnings.h"
#include "core/base/status.h"
#include "core/grn/gene_embedding.h"
#include "core/grn/partial_correlation.h"

namespace unlasting::trainer {
namespace {

// Names that fit but for their case or version are mostly meant; the reader may know better.
void WarnOfLooseNames(const std::string& path, const grn::PriorMatches& matches) {
  if (matches.loose == 0) return;
  anndata::Warn(path, absl::StrCat("grn.prior: ", matches.loose,
                                   matches.loose == 1 ? " name is" : " names are",
                                   " taken for genes of the data without regard to case and the "
                                   "version of Ensembl ids, e.g. ",
                                   matches.example));
}

// The paper's eps_co.
constexpr double kPaperThreshold = 0.3;

// A knockout reaches other genes along edges alone.
void WarnOfLoneNodes(const grn::Graph& graph) {
  const nlohmann::json described = grn::Describe(graph);
  const int64_t alone = described["nodes_without_neighbours"];
  if (2 * alone <= graph.nodes()) return;
  anndata::Warn("grn",
                absl::StrCat(alone, " of ", graph.nodes(),
                             " nodes have no neighbours, so that nothing is learnt of what a "
                             "knockout of theirs reaches; edges from elsewhere can be given "
                             "by grn.prior"));
}

std::vector<grn::Edge> ExpressionEdges(const cells::Prepared& prepared,
                                       const std::vector<int64_t>& controls,
                                       const GrnConfig& config, int threads) {
  const CsrMatrix values = SelectRows(prepared.data.values, controls);
  if (config.threshold() > 0) return grn::CoExpressionEdges(values, config.threshold(), threads);
  if (values.cols > grn::kMaxPartialGenes) {
    anndata::Warn(
        "grn", absl::StrCat("found ", values.cols, " genes, more than the ", grn::kMaxPartialGenes,
                            " whose partial correlations are computed; genes are joined "
                            "by a correlation of ",
                            kPaperThreshold, " or more (grn.threshold)"));
    return grn::CoExpressionEdges(values, kPaperThreshold, threads);
  }
  std::vector<int32_t> types;
  for (const int64_t cell : controls) types.push_back(prepared.data.cell_type[cell]);
  return grn::PartialCorrelationEdges(values, types, config.false_discovery(), threads);
}

absl::StatusOr<std::vector<grn::Edge>> ReadPrior(const std::string& path,
                                                 const grn::NodeNames& nodes,
                                                 double embedding_threshold, int threads) {
  grn::PriorMatches matches;
  if (!grn::HoldsEmbedding(path)) {
    UNLASTING_ASSIGN_OR_RETURN(auto edges, grn::ReadPriorEdges(path, nodes, &matches));
    WarnOfLooseNames(path, matches);
    // Lists of the whole genome name more than the genes that were kept; that is no news.
    if (matches.skipped > static_cast<int64_t>(edges.size()) * 100) {
      anndata::Warn(path,
                    absl::StrCat("grn.prior: ", edges.size(), " edges join genes of the data, ",
                                 matches.skipped, " name others and are left out"));
    }
    return edges;
  }
  UNLASTING_ASSIGN_OR_RETURN(const auto embedding, grn::ReadGeneEmbedding(path));
  auto edges = grn::CosineEdges(embedding, nodes, embedding_threshold, threads, &matches);
  if (matches.skipped == static_cast<int64_t>(nodes.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("grn.prior: ", path, ": holds none of the data's genes; found '",
                     embedding.genes[0], "', expected names like '", nodes.names()[0], "'"));
  }
  WarnOfLooseNames(path, matches);
  return edges;
}

}  // namespace

absl::StatusOr<grn::Graph> BuildTrainingGrn(const cells::Prepared& prepared,
                                            const GrnConfig& config, int threads) {
  std::vector<int64_t> controls;
  for (const int64_t cell : prepared.split.Cells(/*test_cells=*/false)) {
    if (prepared.data.conditions[prepared.data.condition[cell]].control) controls.push_back(cell);
  }
  if (controls.empty()) {
    return absl::InvalidArgumentError(
        "found no control cells among the training cells, expected one or more; check the settings "
        "control and split");
  }
  auto edges = ExpressionEdges(prepared, controls, config, threads);
  if (!config.prior().empty()) {
    // Edge lists name genes by symbol where the matrix may hold Ensembl ids; our own lists have the
    // names of the matrix.
    std::vector<std::string> names = prepared.data.genes, symbols;
    for (const auto& gene : prepared.data.genes) {
      const auto symbol = prepared.data.gene_symbols.find(gene);
      symbols.push_back(symbol == prepared.data.gene_symbols.end() ? "" : symbol->second);
    }
    names.insert(names.end(), prepared.perturbed_only.begin(), prepared.perturbed_only.end());
    const grn::NodeNames nodes(std::move(names), std::move(symbols));
    UNLASTING_ASSIGN_OR_RETURN(
        const auto prior, ReadPrior(config.prior(), nodes, config.embedding_threshold(), threads));
    edges.insert(edges.end(), prior.begin(), prior.end());
  }
  const auto nodes = prepared.data.n_genes() + static_cast<int64_t>(prepared.perturbed_only.size());
  auto graph = grn::BuildGraph(nodes, std::move(edges), static_cast<int>(config.max_in_degree()));
  WarnOfLoneNodes(graph);
  return graph;
}

}  // namespace unlasting::trainer
