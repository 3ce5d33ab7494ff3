// Networks with random weights as plain arrays, without LibTorch.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/model/cpu/matrix.h"
#include "core/model/spec/config.h"
#include "core/model/spec/parameters.h"

namespace unlasting::test {

struct RandomGraph {
  std::vector<int64_t> indptr = {0};  // [nodes + 1], by target
  std::vector<int32_t> sources;
};
RandomGraph MakeRandomGraph(int64_t nodes, const std::function<int64_t(int64_t)>& degree);

// Every parameter and buffer that a network of this kind and configuration has.
model::cpu::Arrays<float> RandomArrays(model::NetworkKind kind, const model::ModelConfig& config,
                                       const RandomGraph& graph, uint64_t seed);

}  // namespace unlasting::test
