// EstimateGrnResponse estimates, for genes that training never perturbed, what their perturbation
// does to other genes by propagating it along the gene network. No LibTorch:
// trainer/training/network_statistics.h turns the estimate into the networks' buffers.
#pragma once

#include <optional>
#include <vector>

#include "core/grn/graph.h"
#include "trainer/response/condition_moments.h"

namespace unlasting::trainer {

// Propagation: core/model/torch/expected_response.h. All in log1p.
struct GrnResponseEstimate {
  std::vector<GeneValues> self_effect;    // [cell types][N], of each gene if it were perturbed
  std::vector<double> edge_weights;       // in the order of grn::Graph::sources
  double damping = 0;                     // above 0
  GeneValues log_variance, active_logit;  // [N], per change of the mean
};

// The weight of an edge is the regression coefficient of its target on that source, fitted jointly
// with the target's other measured sources over the training cells (each minus the mean control
// cell of its type; without cells whose target is perturbed). Sampling noise is subtracted from the
// variance of the sources, because it would hide their effect. The self-effect, which is the change
// of a perturbed gene itself, is fitted to the self-effects of the trained genes. The damping is
// the one with which the other trained genes predict each left-out trained gene best.
//
// nullopt where training perturbed too few measured genes alone, or where leaving genes out shows
// that the gene network does not predict their responses.
std::optional<GrnResponseEstimate> EstimateGrnResponse(const TrainingData& data,
                                                       const ConditionMoments& moments,
                                                       const grn::Graph& graph, int threads = 1);

}  // namespace unlasting::trainer
