// How much a gene changes per change of each gene that the network says it listens to.
#pragma once

#include <vector>

#include "core/grn/graph.h"
#include "trainer/response/condition_moments.h"

namespace unlasting::trainer {

// In the order of `graph.sources`, log1p per log1p; 0 for self-loops and where either end has no
// expression. How they are found: trainer/response/grn_response.h. Work grows with the edges,
// not with the file: of large ones every k-th cell is taken, of targets with many sources the
// strongest.
std::vector<double> EdgeWeights(const TrainingData& data, const ConditionMoments& moments,
                                const grn::Graph& graph);

}  // namespace unlasting::trainer
