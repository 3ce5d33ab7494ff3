// The operator unlasting::gatv2, for eager code and TorchScript alike, with its derivative.
#include <torch/script.h>
#include <torch/torch.h>

#include <vector>

#include "core/model/attention_kernel.h"

namespace unlasting::model {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

AttentionShape ShapeOf(const Tensor& left, const Tensor& attention, const Tensor& indptr,
                       const Tensor& sources) {
  TORCH_CHECK(left.dim() == 4, "gatv2: left must be [cells, nodes, heads, dim]");
  TORCH_CHECK(attention.dim() == 2 && attention.size(0) == left.size(2) &&
                  attention.size(1) == left.size(3),
              "gatv2: attention must be [heads, dim]");
  TORCH_CHECK(indptr.numel() == left.size(1) + 1, "gatv2: indptr must be [nodes + 1]");
  TORCH_CHECK(indptr.scalar_type() == torch::kInt64 && sources.scalar_type() == torch::kInt64,
              "gatv2: indptr and sources must be int64");
  TORCH_CHECK(left.device().is_cpu(), "gatv2: this build computes on CPU only");
  return {left.size(1), left.size(2), left.size(3), indptr.data_ptr<int64_t>(),
          sources.data_ptr<int64_t>()};
}

Tensor Gatv2Forward(const Tensor& left_in, const Tensor& right_in, const Tensor& attention_in,
                    const Tensor& indptr, const Tensor& sources) {
  const Tensor left = left_in.contiguous();
  const Tensor right = right_in.contiguous();
  const Tensor attention = attention_in.contiguous();
  TORCH_CHECK(left.sizes() == right.sizes(), "gatv2: left and right must have equal shapes");
  const AttentionShape shape = ShapeOf(left, attention, indptr, sources);
  Tensor out = torch::empty({left.size(0), shape.nodes, shape.dim}, left.options());
  AT_DISPATCH_FLOATING_TYPES(left.scalar_type(), "gatv2", [&] {
    const auto kernels = BestAttentionKernels<scalar_t>();
    const int64_t in_cell = shape.nodes * shape.heads * shape.dim;
    const scalar_t* l = left.data_ptr<scalar_t>();
    const scalar_t* r = right.data_ptr<scalar_t>();
    const scalar_t* a = attention.data_ptr<scalar_t>();
    scalar_t* o = out.data_ptr<scalar_t>();
    at::parallel_for(0, left.size(0), 1, [&](int64_t begin, int64_t end) {
      for (int64_t cell = begin; cell < end; ++cell) {
        kernels.forward(shape, l + cell * in_cell, r + cell * in_cell, a,
                        o + cell * shape.nodes * shape.dim);
      }
    });
  });
  return out;
}

class Gatv2Function : public torch::autograd::Function<Gatv2Function> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& left, const Tensor& right,
                        const Tensor& attention, const Tensor& indptr, const Tensor& sources) {
    at::AutoDispatchBelowADInplaceOrView guard;
    context->save_for_backward({left, right, attention, indptr, sources});
    return Gatv2Forward(left, right, attention, indptr, sources);
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const Tensor left = saved[0].contiguous();
    const Tensor right = saved[1].contiguous();
    const Tensor attention = saved[2].contiguous();
    const Tensor grad_out = grads[0].contiguous();
    const AttentionShape shape = ShapeOf(left, attention, saved[3], saved[4]);
    const int64_t cells = left.size(0);
    Tensor grad_left = torch::zeros_like(left);
    Tensor grad_right = torch::zeros_like(right);
    // One per cell, summed in cell order below: the result does not depend on the threads.
    Tensor grad_attention = torch::zeros({cells, shape.heads, shape.dim}, left.options());
    AT_DISPATCH_FLOATING_TYPES(left.scalar_type(), "gatv2_backward", [&] {
      const auto kernels = BestAttentionKernels<scalar_t>();
      const int64_t in_cell = shape.nodes * shape.heads * shape.dim;
      const int64_t out_cell = shape.nodes * shape.dim;
      const int64_t weights = shape.heads * shape.dim;
      const scalar_t* l = left.data_ptr<scalar_t>();
      const scalar_t* r = right.data_ptr<scalar_t>();
      const scalar_t* a = attention.data_ptr<scalar_t>();
      const scalar_t* g = grad_out.data_ptr<scalar_t>();
      scalar_t* gl = grad_left.data_ptr<scalar_t>();
      scalar_t* gr = grad_right.data_ptr<scalar_t>();
      scalar_t* ga = grad_attention.data_ptr<scalar_t>();
      at::parallel_for(0, cells, 1, [&](int64_t begin, int64_t end) {
        for (int64_t cell = begin; cell < end; ++cell) {
          kernels.backward(shape, l + cell * in_cell, r + cell * in_cell, a, g + cell * out_cell,
                           gl + cell * in_cell, gr + cell * in_cell, ga + cell * weights);
        }
      });
    });
    return {grad_left, grad_right, grad_attention.sum(0), Tensor(), Tensor()};
  }
};

Tensor Gatv2Autograd(const Tensor& left, const Tensor& right, const Tensor& attention,
                     const Tensor& indptr, const Tensor& sources) {
  return Gatv2Function::apply(left, right, attention, indptr, sources);
}

TORCH_LIBRARY(unlasting, library) {
  library.def(
      "gatv2(Tensor left, Tensor right, Tensor attention, Tensor indptr, Tensor sources) "
      "-> Tensor");
}
TORCH_LIBRARY_IMPL(unlasting, CPU, library) { library.impl("gatv2", Gatv2Forward); }
TORCH_LIBRARY_IMPL(unlasting, Autograd, library) { library.impl("gatv2", Gatv2Autograd); }

}  // namespace

// Called by whoever compiles or loads source that names the operator: a static library drops an
// object file that nobody refers to, and its registration with it.
void EnsureOperatorsRegistered() {}

}  // namespace unlasting::model
