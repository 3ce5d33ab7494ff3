// The operator unlasting::bf16_product, on any device: LibTorch's own operations, which
// differentiate themselves. Autocast would round the expected response too, which the loss is
// measured from.
#include <torch/script.h>
#include <torch/torch.h>

namespace unlasting::model {
namespace {

using torch::Tensor;

// x [..., n], weight [n, m] -> [..., m], of x's type.
Tensor Bf16Product(const Tensor& x, const Tensor& weight) {
  return torch::matmul(x.to(torch::kBFloat16), weight.to(torch::kBFloat16)).to(x.scalar_type());
}

TORCH_LIBRARY_FRAGMENT(unlasting, library) {
  library.def("bf16_product(Tensor x, Tensor weight) -> Tensor", Bf16Product);
}

}  // namespace

// See EnsureAttentionRegistered.
void EnsureProductRegistered() {}

}  // namespace unlasting::model
