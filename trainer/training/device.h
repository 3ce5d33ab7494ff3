// Device says where a run's networks, batches and optimiser live: the CPU, or one CUDA device.
// Random numbers are drawn on the CPU wherever a run trains, so that a batch and its noise do not
// depend on the device, and a run may be resumed on another. Included only by files that use
// LibTorch.
#pragma once

#include <torch/torch.h>

#include <string>

#include "absl/status/statusor.h"
#include "core/model/torch/network.h"

namespace unlasting::trainer {

// `name` is auto (a CUDA device where build and machine have one), cpu, cuda or cuda:NUMBER. `cuda`
// and `auto` give the processes of one machine, counted by `local_rank`, one device each as far as
// there are as many. INVALID_ARGUMENT for another name or a device that is not there;
// FAILED_PRECONDITION where this build cannot train on CUDA; both name --device and what helps.
absl::StatusOr<torch::Device> FindDevice(const std::string& name, int local_rank);

// The same for a build and machine that are described: `devices` is the number of CUDA devices.
absl::StatusOr<torch::Device> FindDeviceAmong(const std::string& name, int local_rank,
                                              bool built_for_cuda, int devices);

// How a network that trains on `device` computes its GRN layers: in fused operators on the CPU, on
// CUDA in LibTorch's own operations around the attention operator.
model::Attention AttentionOn(torch::Device device);

// INVALID_ARGUMENT where `device` does not multiply in the setting `precision`, one of its choices.
absl::Status CheckPrecision(const std::string& precision, torch::Device device);

// What the products of a network are to be for it; TF32 is float32's, as PrepareDevice sets it.
model::Products ProductsOf(const std::string& precision);

// Makes equal runs on one device give equal bits, where LibTorch has operations that do, and
// float32 products be TF32's where `precision` says so. Once per process, before the first
// operation on the device.
void PrepareDevice(torch::Device device, const std::string& precision);

}  // namespace unlasting::trainer
