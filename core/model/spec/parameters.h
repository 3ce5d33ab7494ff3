// ParameterSpecs lists the names, shapes and initial ranges of the networks' weights in a fixed
// order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/spec/config.h"

namespace unlasting::model {

enum class NetworkKind { kDenoiser, kMask };

// Sines and cosines of the time each, and features made from them.
constexpr int64_t kFrequencies = 32;
constexpr int64_t kTimeFeatures = 64;

struct ParameterSpec {
  std::string name;
  std::vector<int64_t> shape;
  double bound;  // uniform in [-bound, bound]; 0 for zeros, NaN for ones
};

std::vector<ParameterSpec> ParameterSpecs(NetworkKind kind, const ModelConfig& config);

}  // namespace unlasting::model
