// Networks with random weights as plain arrays, without LibTorch.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "core/model/spec/config.h"
#include "core/model/spec/parameters.h"
#include "core/model/spec/weights.h"

namespace unlasting::test {

struct RandomGraph {
  std::vector<int64_t> indptr = {0};  // [nodes + 1], by target
  std::vector<int32_t> sources;
};
RandomGraph MakeRandomGraph(int64_t nodes, const std::function<int64_t(int64_t)>& degree);

// Adds an array whose values are drawn evenly from `centre` - `spread` to `centre` + `spread`.
void AddRandom(const std::string& name, const std::vector<int64_t>& shape, float centre,
               float spread, std::mt19937_64* random, model::NetworkWeights<float>* weights);
void AddIndices(const std::string& name, const std::vector<int64_t>& indices,
                model::NetworkWeights<float>* weights);

// The parameters of a network, and the schedule of a denoiser; no statistics of cells, no edges.
model::NetworkWeights<float> RandomParameters(model::NetworkKind kind,
                                              const model::ModelConfig& config,
                                              std::mt19937_64* random);

// Every parameter and statistic that a network of this kind and configuration has.
model::NetworkWeights<float> RandomWeights(model::NetworkKind kind,
                                           const model::ModelConfig& config,
                                           const RandomGraph& graph, uint64_t seed);

}  // namespace unlasting::test
