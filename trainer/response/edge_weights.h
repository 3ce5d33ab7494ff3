// EstimateEdgeWeights estimates, for the response along the gene network, how much a gene changes
// per change of each of its sources.
#pragma once

#include <vector>

#include "core/grn/graph.h"
#include "trainer/response/condition_moments.h"

namespace unlasting::trainer {

// One weight for each edge, in the order of `graph.sources`, in log1p per log1p; 0 for self-loops
// and where either end is not measured. trainer/response/grn_response.h says how they are
// estimated. The work grows with the number of edges but is bounded in the other dimensions: at
// most 10,000 evenly spaced cells are used, and of a target's sources the 64 strongest. The result
// does not depend on `threads`.
std::vector<double> EstimateEdgeWeights(const TrainingData& data, const ConditionMoments& moments,
                                        const grn::Graph& graph, int threads = 1);

}  // namespace unlasting::trainer
