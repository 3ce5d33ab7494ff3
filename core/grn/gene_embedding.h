// gene_embedding.h describes genes (or drugs) by vectors from another model, and derives edges of
// the gene regulatory network from the similarity of those vectors.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"
#include "core/grn/graph.h"

namespace unlasting::grn {

struct GeneEmbedding {
  std::vector<std::string> genes;
  DenseMatrix vectors;  // [genes, dimensions]
};

// True where `path` holds an embedding and not an edge list: .npy, .h5ad, .h5 and .hdf5 by name; a
// TSV where the second field of its second line is a number.
bool HoldsEmbedding(const std::string& path);

// By the name's end:
//   .npy          float32 or float64 [genes, dimensions], C order; names, one a line in order, in
//                 the file beside it with .genes.txt in place of .npy
//   .h5ad .h5 .hdf5   AnnData, genes as obs, dimensions as var, values in X
//   else          TSV: gene, then its values; a first line that is no such line is a header
// INVALID_ARGUMENT says what is wrong with the file and where, NOT_FOUND that it is absent; both
// name `setting`. A table of drugs is read the same, with another suffix of its file of names.
absl::StatusOr<GeneEmbedding> ReadGeneEmbedding(const std::string& path,
                                                const std::string& setting = "grn.prior",
                                                const std::string& names_suffix = ".genes.txt");

// Both directions of every pair of nodes whose vectors have a cosine >= threshold (above 0), with
// the cosine as strength. Nodes that the embedding does not know have none and are counted in
// `matches`; of a name that it holds twice the first counts. Work: nodes^2 * dimensions.
std::vector<Edge> CosineEdges(const GeneEmbedding& embedding, const NodeNames& nodes,
                              double threshold, int threads, PriorMatches* matches);

}  // namespace unlasting::grn
