// EstimateExpectedResponse estimates, from the training cells alone, the responses from which the
// networks start (core/model/torch/expected_response.h says how they are used). No LibTorch:
// trainer/training/network_statistics.h turns the estimate into the networks' buffers.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/matrix.h"
#include "trainer/data/training_data.h"
#include "trainer/response/condition_moments.h"
#include "trainer/settings/config.pb.h"

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
};

// Where training measured a perturbation in a cell type, the response is that measurement. In any
// other cell type it is carried over from those where it was measured: the mean of the perturbed
// cells is mean_P + v (mean_C of the type - mean_C), with mean_P and mean_C the measured types'
// perturbed and control means and v the slope that predicts each measured type best from the others
// (1, which is the mean shift, with fewer than three types). Active shares are carried over
// likewise, in logits, with the slope `mask_prior`. Held-out cells are left out, as `moments`
// leaves them out.
ExpectedResponseEstimate EstimateExpectedResponse(const TrainingData& data,
                                                  const ConditionMoments& moments,
                                                  const TrainConfig& config);

}  // namespace unlasting::trainer
