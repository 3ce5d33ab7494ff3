// One head of one GATv2 layer by gather and scatter, as written down naively with ATen: what a
// fused operator is measured against.
#pragma once

#include <torch/torch.h>

namespace unlasting::bench {

// left, right [cells, nodes, dim]; attention [dim]; sources, targets [edges]. Out as left.
torch::Tensor NaiveHead(const torch::Tensor& left, const torch::Tensor& right,
                        const torch::Tensor& attention, const torch::Tensor& sources,
                        const torch::Tensor& targets);

}  // namespace unlasting::bench
