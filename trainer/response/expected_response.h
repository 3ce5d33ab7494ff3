// EstimateExpectedResponse estimates, from the training cells alone, the responses from which the
// networks start (core/model/torch/expected_response.h says how they are used). No LibTorch:
// trainer/training/network_statistics.h turns the estimate into the networks' buffers.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/matrix.h"
#include "trainer/data/training_data.h"
#include "trainer/response/condition_moments.h"
#include "trainer/response/measured_responses.h"
#include "trainer/response/response_choice.h"

namespace unlasting::trainer {

// G genes, M drugs at a dose, E = G + 1 + M entries (the genes, their mean, the drugs), C cell
// types, D drugs of Ds features.
struct ExpectedResponseEstimate {
  std::vector<int64_t> nodes;      // [G], ascending: the genes perturbed in training
  DenseMatrix drugs;               // [D, Ds], rows of unit length; [0, Ds] without drugs
  std::vector<int64_t> drug;       // [M], rows of `drugs`
  std::vector<double> log10_dose;  // [M], of micromolar
  // [C * E, N], perturbed minus control:
  DenseMatrix mean;          // log1p
  DenseMatrix log_variance;  // of log1p values
  DenseMatrix active_logit;  // of the share of active cells
  DenseMatrix met_mean;  // log1p; MeasuredResponses::MetMeanIn of genes perturbed alone and drugs
};

// Each entry is what MeasuredResponses says of it by the rules of `choice`, without a response of
// the variance where the choice leaves it out. Held-out cells are left out, as `moments` leaves
// them out.
ExpectedResponseEstimate EstimateExpectedResponse(const TrainingData& data,
                                                  const ConditionMoments& moments,
                                                  const MeasuredResponses& measured,
                                                  const ResponseChoice& choice);

}  // namespace unlasting::trainer
