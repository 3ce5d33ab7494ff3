// Profiles holds the predicted cells of one perturbation as a Job hands them to its owner. A plain
// value, which the owner keeps.
#pragma once

#include <vector>

#include "core/base/matrix.h"
#include "core/predict/job/counts.h"

namespace unlasting::predict {

// The result of one perturbation. Row k belongs to control cell k of the task.
struct Profiles {
  int perturbation = 0;             // index in the task
  DenseMatrix values;               // [control cells, N], log1p: max(0, mask * x') * x_max (eq 15)
  std::vector<float> active_share;  // [N]: mean predicted probability that the gene is active
  // [N]: deviation of the mean over the control cells between seeds of the mask, log1p; empty where
  // the mask draws nothing.
  std::vector<float> mask_deviation;
  // Per cell, what its counts are drawn by; empty unless PredictOptions::draw_counts.
  std::vector<CountDraw> draws;
};

}  // namespace unlasting::predict
