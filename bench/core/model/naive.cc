#include "bench/core/model/naive.h"

namespace unlasting::bench {

torch::Tensor NaiveHead(const torch::Tensor& left, const torch::Tensor& right,
                        const torch::Tensor& attention, const torch::Tensor& sources,
                        const torch::Tensor& targets) {
  const torch::Tensor from = left.index_select(1, sources);
  const torch::Tensor score =
      (torch::leaky_relu(from + right.index_select(1, targets), 0.2) * attention).sum(2);
  const torch::Tensor index = targets.unsqueeze(0).expand_as(score);
  const torch::Tensor peak =
      torch::full({left.size(0), left.size(1)}, -1e30).scatter_reduce(1, index, score, "amax");
  const torch::Tensor weight = torch::exp(score - peak.gather(1, index));
  const torch::Tensor total =
      torch::zeros({left.size(0), left.size(1)}).index_add(1, targets, weight);
  const torch::Tensor share = weight / total.gather(1, index);
  return torch::zeros_like(left).index_add(1, targets, share.unsqueeze(2) * from);
}

}  // namespace unlasting::bench
