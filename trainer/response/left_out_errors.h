// LeaveOutForErrors finds how far answers are from the truth: it estimates expected responses anew
// without some of the training cells, as often as it takes to leave cells, conditions, contexts and
// both out, and compares control cells under the rule's response with the perturbed cells that it
// left out. trainer/response/error_fit.h makes an error model of the result.
#pragma once

#include <cstdint>
#include <vector>

#include "core/bundle/error_model.h"
#include "core/grn/graph.h"
#include "trainer/data/training_data.h"
#include "trainer/response/response_choice.h"

namespace unlasting::trainer {

// The error of one answer that training left the truth of out.
struct LeftOutError {
  bundle::ErrorQuery query;
  double e_distance = 0;  // unbiased, over all genes
  // [N], log1p, over the cells compared: how far the mean is off, the variance of the answer's
  // cells, and the mean and standard error of their change from their own control cells.
  std::vector<float> error, variance, change, standard_error;
};

struct LeaveOutOptions {
  bool follows_grn = false;  // new genes' effects propagate along the gene network
  uint64_t seed = 0;
  int threads = 1;
  // Errors of one kind, and cells of a side: more say more and cost more.
  size_t max_errors = 64;
  size_t max_cells = 200;
};

// Groups of fewer than ten perturbed cells are left out of it, as are cell types of fewer than ten
// control cells. Same data, choice and seed: same errors, whatever the number of threads. With one
// context none is left out, and with fewer than four conditions no condition.
std::vector<LeftOutError> LeaveOutForErrors(const TrainingData& data,
                                            const ConditionMoments& moments,
                                            const ResponseChoice& choice, const grn::Graph& graph,
                                            const LeaveOutOptions& options);

// The training's conditions with the number of their cells by cell type.
std::vector<bundle::ErrorCondition> ErrorConditions(const TrainingData& data,
                                                    const ConditionMoments& moments);

}  // namespace unlasting::trainer
