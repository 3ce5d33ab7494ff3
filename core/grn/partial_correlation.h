// PartialCorrelationEdges finds which genes vary together beyond what all others, the depth of a
// cell and its type explain. A threshold on the correlation itself (the paper's eps_co = 0.3)
// leaves most genes of a sparse panel alone, and a lower one joins whatever has a common regulator.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/matrix.h"
#include "core/grn/graph.h"

namespace unlasting::grn {

// The inverse of a correlation matrix takes time with the cube of its genes and 32 bytes for every
// pair, 1.2 GB at this number.
inline constexpr int64_t kMaxPartialGenes = 6000;

// Both directions of every pair whose partial correlation stands out, in the order of their first
// gene; the strength is its distance from the middle of all. `cells` [cells, genes], log1p control
// cells; `cell_type` [cells], or empty where there is one.
//
// The correlations are those of what is left of each gene after the cell's type and the sum of its
// values, shrunk by kShrinkage towards 0 (Schaefer and Strimmer 2005, DOI 10.2202/1544-6115.1175,
// with a fixed intensity). Most pairs are not joined, so that the middle of all partial
// correlations tells their noise (Efron 2004, DOI 10.1198/016214504000000089); pairs are joined so
// that the expected share of false ones among them is at most `false_discovery` (Benjamini and
// Hochberg). Genes that fewer than 1 % of the cells express, or fewer than 20 cells, have no edges.
//
// No edges where there are fewer than 40 cells, or more than kMaxPartialGenes genes that take part.
// The result does not depend on `threads`.
std::vector<Edge> PartialCorrelationEdges(const CsrMatrix& cells,
                                          const std::vector<int32_t>& cell_type,
                                          double false_discovery, int threads = 1);

}  // namespace unlasting::grn
