// NetworkWeights holds what a trained network knows, as plain arrays by name: its parameters, and
// the statistics of the training cells that it starts from. Every evaluator reads this form;
// core/model/torch makes it from a TorchScript module and core/bundle from weights.safetensors.
//
// C cell types, N genes, N' nodes, E edges, K columns of a response: 2 N of a denoiser (mean and
// log variance), N of a mask model (logit of the active share). Names and shapes of the parameters
// are those of ParameterSpecs (parameters.h); besides them there are
//
//   prior_mean, prior_variance   [C, N]   control cells of each type, in model units
//   alpha_bar [T], frequency [F]          denoisers: the noise schedule and the time's waves
//   active_logit                 [C, N]   mask models: logit of the control cells' active share
//
// and with ModelConfig::expected_response what expected_response.h explains:
//
//   response_nodes [G], response_drug [M] indices;  response_dose [M], log10 micromolar
//   response_drugs               [Ds, D]  features of the trained drugs, columns of length one
//   response_coefficients [C (G + 1 + M), R], response_basis [R, K]   the table as a product
//   response_met_coefficients [C (G + 1 + M), R'], response_met_basis [R', N]   denoisers with
//                                         ModelConfig::trained_from_control: the change to which
//                                         the means of answers are brought; absent: that of the
//                                         table
//   response_of_untrained        [N']     1 for genes that training never perturbed
//   response_self_effect         [C, N']  and, where effects propagate along the gene network,
//   response_edge_weights [E], response_damping [1], response_gain [K / N, N]
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/base/aligned.h"
#include "core/model/spec/config.h"
#include "core/model/spec/parameters.h"

namespace unlasting::model {

// T is float, or double in tests.
template <typename T>
struct NetworkWeights {
  std::map<std::string, AlignedVector<T>> values;       // row-major
  std::map<std::string, std::vector<int64_t>> indices;  // integer arrays
  std::map<std::string, std::vector<int64_t>> shapes;   // of both
  // The gene network: sources of target node i are edge_source[edge_indptr[i] .. edge_indptr[i+1]).
  std::vector<int64_t> edge_indptr;  // [N' + 1]
  std::vector<int32_t> edge_source;  // [E]

  // Contract: the array is there, as CheckWeights makes sure.
  const AlignedVector<T>& at(const std::string& name) const { return values.at(name); }
};

// INVALID_ARGUMENT names the first array that is absent, of another shape than `config` asks for,
// or holds an index out of range; and any array that a network of this kind does not have.
absl::Status CheckWeights(NetworkKind kind, const ModelConfig& config,
                          const NetworkWeights<float>& weights);

}  // namespace unlasting::model
