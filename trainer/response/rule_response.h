// RuleResponse is the expected response to a query, made of an estimate as the networks make it of
// their buffers (core/model/torch/expected_response.h), without a network. Pure; any thread.
#pragma once

#include <cstdint>

#include "core/grn/graph.h"
#include "trainer/data/training_data.h"
#include "trainer/response/expected_response.h"
#include "trainer/response/grn_response.h"

namespace unlasting::trainer {

// In the cell type `type`, of N genes; `grn` may be null, else it was estimated along `graph`.
Response RuleResponse(const ExpectedResponseEstimate& estimate, const GrnResponseEstimate* grn,
                      const grn::Graph& graph, const ConditionInputs& inputs, int32_t type);

}  // namespace unlasting::trainer
