// The networks of a bundle; for the rooms that see LibTorch.
#pragma once

#include "core/model/spec/config.h"
#include "core/model/torch/network.h"

namespace unlasting::bundle {

struct Modules {
  model::ModelConfig config;
  model::Network source;
  model::Network target;
  model::Network mask;
};

}  // namespace unlasting::bundle
