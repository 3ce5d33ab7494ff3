// This header declares what the devices of the attention operator share. Seen only by the files
// that implement it.
#pragma once

#include <torch/script.h>

namespace unlasting::model {

// Throws c10::Error unless shapes, types of indices and devices fit. `left` and `right` are
// contiguous.
void CheckGatv2(const torch::Tensor& left, const torch::Tensor& right,
                const torch::Tensor& attention, const torch::Tensor& indptr,
                const torch::Tensor& sources);

// See EnsureAttentionRegistered; where the build has LibTorch's CUDA side.
void EnsureCudaOperatorsRegistered();

}  // namespace unlasting::model
