// Network is a network of this software as a TorchScript module: it is made, trained, exported and
// loaded here.
// Seen only by rooms that use LibTorch.
#pragma once

#include <torch/script.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/model/spec/weights.h"
#include "core/model/torch/network_module.h"

namespace unlasting::model {

class Network {
 public:
  // Fresh weights drawn with `seed`.
  static absl::StatusOr<Network> Create(NetworkKind kind, const ModelConfig& config,
                                        const diffusion::Schedule& schedule,
                                        const NetworkStatistics& statistics, uint64_t seed,
                                        Attention attention);
  // Weights as another form holds them. Contract: they pass CheckWeights.
  static absl::StatusOr<Network> FromWeights(NetworkKind kind, const ModelConfig& config,
                                             const NetworkWeights<float>& weights,
                                             Attention attention);
  // An exported file. With kFused the same weights are put behind the fused operators.
  // INVALID_ARGUMENT where the file is not one of ours or does not fit `config`.
  static absl::StatusOr<Network> Load(const std::string& path, ExportKind kind,
                                      const ModelConfig& config, Attention attention);

  // The same weights, in the same memory, multiplied in `products`; they want gradients. Either
  // sees what becomes of the other's until one of them is taken to another device.
  Network Multiplying(Products products) const;

  // TorchScript with plain attention and `forward`, in float32 on CPU. Loads in any LibTorch.
  absl::Status Export(const std::string& path, ExportKind kind) const;

  // Parameters in a fixed order, with their names.
  std::vector<torch::Tensor> Parameters() const;
  std::vector<std::string> ParameterNames() const;

  // Copies parameters and statistics out of the module, as the evaluators of core/model/cpu and
  // core/model/cuda read them. T is float or double.
  template <typename T>
  NetworkWeights<T> ToWeights() const;

  // Undefined tensors stand for absent inputs. Shapes: core/model/torch/source.cc. Throws
  // c10::Error.
  struct Inputs {
    torch::Tensor cell_type;  // [B] int64
    torch::Tensor control;    // [B, N]
    torch::Tensor knockout;   // [B, N']
    torch::Tensor molecule;   // [B, Ds]
    torch::Tensor dose;       // [B] log10 uM
    // [B] 0 or 1, training only: the row's perturbation is unknown to the table of
    // core/model/torch/expected_response.h.
    torch::Tensor hidden;
    // [B] 0 or 1, training only: the row's condition vector holds its expected response alone.
    torch::Tensor anonymous;
  };
  torch::Tensor Denoise(const torch::Tensor& x_t, const torch::Tensor& t,
                        const Inputs& inputs) const;
  // Per cell its loss and that of the skip alone, [B share, 2]: x_0 and x_t [B share, N] and
  // t [B share] hold `share` cells for each row of `inputs`, one after the other.
  torch::Tensor DenoiserLosses(const torch::Tensor& x_0, const torch::Tensor& x_t,
                               const torch::Tensor& t, const Inputs& inputs) const;
  // The first column, [B share].
  torch::Tensor DenoiserLoss(const torch::Tensor& x_0, const torch::Tensor& x_t,
                             const torch::Tensor& t, const Inputs& inputs) const;
  torch::Tensor MaskLogits(const Inputs& inputs) const;
  // [B share] of x_0 [B share, N].
  torch::Tensor MaskLoss(const torch::Tensor& x_0, const Inputs& inputs) const;

  void To(torch::Device device);
  torch::Device device() const;
  void To(torch::Dtype dtype);

 private:
  Network(NetworkKind kind, torch::jit::Module module, ModelConfig config, Attention attention)
      : kind_(kind),
        module_(std::move(module)),
        config_(std::move(config)),
        attention_(attention) {}
  torch::Tensor Call(const char* method, std::vector<c10::IValue> inputs) const;

  NetworkKind kind_;
  mutable torch::jit::Module module_;
  ModelConfig config_;
  Attention attention_;
};

// Inputs of the exported `forward` methods, as written to the manifest and docs/bundle.md.
std::vector<std::string> ForwardSignature(ExportKind kind, bool molecules);

}  // namespace unlasting::model
