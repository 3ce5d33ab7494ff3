// The operator unlasting::gatv2 for LibTorch's CUDA tensors, float and double.
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/script.h>
#include <torch/torch.h>

#include "core/model/cuda/attention_kernels.h"
#include "core/model/torch/attention_op.h"

namespace unlasting::model {
namespace {

using torch::Tensor;

// As the kernels take it: a view may begin between two quads.
Tensor Whole(const Tensor& tensor) {
  const Tensor whole = tensor.contiguous();
  return reinterpret_cast<uintptr_t>(whole.data_ptr()) % 16 == 0 ? whole : whole.clone();
}

template <typename T>
cuda::AttentionProblem<T> ProblemOf(const Tensor& left, const Tensor& right,
                                    const Tensor& attention, const Tensor& indptr,
                                    const Tensor& sources) {
  cuda::AttentionProblem<T> problem;
  problem.cells = left.size(0);
  problem.nodes = left.size(1);
  problem.heads = left.size(2);
  problem.dim = left.size(3);
  problem.edges = sources.numel();
  problem.indptr = indptr.data_ptr<int64_t>();
  problem.sources = sources.data_ptr<int64_t>();
  problem.left = left.data_ptr<T>();
  problem.right = right.data_ptr<T>();
  problem.attention = attention.data_ptr<T>();
  return problem;
}

Tensor Gatv2Forward(const Tensor& left_in, const Tensor& right_in, const Tensor& attention_in,
                    const Tensor& indptr, const Tensor& sources) {
  const Tensor left = Whole(left_in), right = Whole(right_in), attention = Whole(attention_in);
  CheckGatv2(left, right, attention, indptr, sources);
  const c10::cuda::CUDAGuard guard(left.device());
  Tensor out = torch::empty({left.size(0), left.size(1), left.size(3)}, left.options());
  AT_DISPATCH_FLOATING_TYPES(left.scalar_type(), "gatv2", [&] {
    cuda::AttentionForward(ProblemOf<scalar_t>(left, right, attention, indptr, sources),
                           out.data_ptr<scalar_t>(), c10::cuda::getCurrentCUDAStream().stream());
  });
  return out;
}

std::tuple<Tensor, Tensor, Tensor> Gatv2Backward(const Tensor& grad, const Tensor& left_in,
                                                 const Tensor& right_in, const Tensor& attention_in,
                                                 const Tensor& indptr, const Tensor& sources) {
  const Tensor left = Whole(left_in), right = Whole(right_in);
  const Tensor attention = Whole(attention_in), grad_out = Whole(grad);
  CheckGatv2(left, right, attention, indptr, sources);
  const c10::cuda::CUDAGuard guard(left.device());
  const int64_t cells = left.size(0), nodes = left.size(1), heads = left.size(2);
  const int64_t dim = left.size(3), edges = sources.numel();
  // The same edges by source. Nothing here waits for the device.
  const auto [by_source, order] = torch::sort(sources, /*stable=*/true, /*dim=*/0, false);
  const Tensor bounds = torch::searchsorted(by_source, torch::arange(nodes + 1, indptr.options()));
  const Tensor targets =
      torch::searchsorted(indptr, order, /*out_int32=*/false, /*right=*/true) - 1;
  Tensor grad_left = torch::empty_like(left), grad_right = torch::empty_like(right);
  Tensor scratch = torch::empty({cells, heads, edges, 2}, left.options());
  Tensor grad_attention =
      torch::empty({cells, heads, cuda::AttentionParts(nodes), dim}, left.options());
  AT_DISPATCH_FLOATING_TYPES(left.scalar_type(), "gatv2_backward", [&] {
    const cuda::TransposedGraph transposed{bounds.data_ptr<int64_t>(), order.data_ptr<int64_t>(),
                                           targets.data_ptr<int64_t>()};
    const cuda::AttentionGradients<scalar_t> gradients{
        grad_out.data_ptr<scalar_t>(), scratch.data_ptr<scalar_t>(), grad_left.data_ptr<scalar_t>(),
        grad_right.data_ptr<scalar_t>(), grad_attention.data_ptr<scalar_t>()};
    cuda::AttentionBackward(ProblemOf<scalar_t>(left, right, attention, indptr, sources),
                            transposed, gradients, c10::cuda::getCurrentCUDAStream().stream());
  });
  return {grad_left, grad_right, grad_attention.sum(at::IntArrayRef({0, 2}))};
}

TORCH_LIBRARY_IMPL(unlasting, CUDA, library) {
  library.impl("gatv2", Gatv2Forward);
  library.impl("gatv2_backward", Gatv2Backward);
}

}  // namespace

void EnsureCudaOperatorsRegistered() {}

}  // namespace unlasting::model
