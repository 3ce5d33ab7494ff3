// These functions make the TorchScript module behind a Network: of a configuration and statistics,
// or rebuilt from another one with other layers and another `forward`. Seen by network.cc alone.
#pragma once

#include <torch/script.h>

#include <optional>
#include <string>
#include <vector>

#include "core/diffusion/schedule.h"
#include "core/model/spec/config.h"
#include "core/model/spec/parameters.h"
#include "core/model/torch/expected_response.h"
#include "core/model/torch/source.h"

namespace unlasting::model {

enum class ExportKind { kSource, kTarget, kMask };

// What a network knows of the data besides its weights, in model units (log1p / x_max).
struct NetworkStatistics {
  torch::Tensor prior_mean;          // [cell types, N]
  torch::Tensor prior_deviation;     // [cell types, N]; clamped from below
  torch::Tensor active_share;        // [cell types, N]: share of control cells that express a gene
  std::vector<int64_t> edge_indptr;  // [N' + 1], by target
  std::vector<int64_t> edge_source;  // [edges]
  std::optional<ExpectedResponse> expected_response;  // where the configuration asks for it
};

// Registers our operators and chooses the executor. To be called before a module is made or loaded;
// once in a process is enough.
void PrepareExecutor();

// A module without parameters that has the attributes of the configuration.
torch::jit::Module NewModule(NetworkKind kind, const ModelConfig& config);

void RegisterEdges(const std::vector<int64_t>& indptr, const std::vector<int64_t>& source,
                   torch::jit::Module* module);
void RegisterStatistics(NetworkKind kind, const ModelConfig& config,
                        const diffusion::Schedule& schedule, const NetworkStatistics& statistics,
                        torch::jit::Module* module);

// Compiles the methods of a network and `forward`, which may be empty. Throws c10::Error.
void CompileMethods(NetworkKind kind, const ModelConfig& config, Attention attention,
                    Products products, const std::string& forward, torch::jit::Module* module);

// The same weights, buffers and methods in a fresh module, with `attention`, `products` and
// `forward`.
torch::jit::Module Rebuild(NetworkKind kind, const ModelConfig& config,
                           const torch::jit::Module& from, Attention attention, Products products,
                           const std::string& forward);

// Casts parameters and buffers of floating point; Module::to(dtype) would cast the integers too.
void CastFloats(torch::Dtype dtype, torch::jit::Module* module);

// The text of `forward` of an exported file.
std::string ForwardOf(ExportKind kind, const ModelConfig& config);

}  // namespace unlasting::model
