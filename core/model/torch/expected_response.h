// ExpectedResponse holds the expected response of perturbed cells: what their training cells say
// without a network. With
// `expected_response` the target model's Gaussian skip is centred on it and the mask model's logits
// start from it, so that an untrained network already predicts the mean shift.
//
// The table has, for each cell type, an entry for each gene perturbed in training, one for their
// mean, and one for each drug at a dose. A combination of genes is the sum of its genes, unknown
// ones at the mean and what they reach along the network. A drug that training knew is met by its
// own entries, nearest in log dose; an unknown one by all, weighted by similarity.
#pragma once

#include <torch/script.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "core/model/spec/config.h"
#include "core/model/spec/parameters.h"

namespace unlasting::model {

// How the effect of a gene that training never perturbed propagates along the gene network. With
// u_0 the self effect of such genes among the perturbed ones, u_k+1 = u_0 + W u_k in all genes that
// are not perturbed, and kPropagationHops hops, the response is u_0 + damping (u - u_0). Model
// units.
struct GrnResponse {
  torch::Tensor self_effect;   // [C, N'], of each gene if it were perturbed; 0 where not measured
  torch::Tensor edge_weights;  // W, in the order of NetworkStatistics::edge_source
  double damping = 0;
  torch::Tensor log_variance, active_logit;  // [N], per change of the mean
};

// G genes, M drugs at a dose, E = G + 1 + M entries, C cell types, D drugs of Ds features.
struct ExpectedResponse {
  std::vector<int64_t> nodes;      // [G]
  torch::Tensor drugs;             // [D, Ds], rows of length one; [0, Ds] where there are none
  std::vector<int64_t> drug;       // [M], into `drugs`
  std::vector<double> log10_dose;  // [M], micromolar
  // Perturbed less control, [C * E, N]:
  torch::Tensor mean;          // in model units
  torch::Tensor log_variance;  // of the values
  torch::Tensor active_logit;  // logit of the share of active cells, against the mask model's own
  // In model units, the change to which the means of answers are brought where the network alone
  // moves cells (ModelConfig::trained_from_control). Undefined: `mean`.
  torch::Tensor met_mean;
  std::optional<GrnResponse> grn;  // none: unknown genes are at the mean
};

// The part that a network of `kind` needs, as buffers of its module.
void RegisterExpectedResponse(NetworkKind kind, const ModelConfig& config,
                              const ExpectedResponse& table, torch::jit::Module* module);

}  // namespace unlasting::model
