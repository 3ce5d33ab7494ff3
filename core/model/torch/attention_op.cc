// The operators unlasting::gatv2 and unlasting::grn_layer, for eager code and TorchScript alike,
// with their derivatives. On CPU (CUDA: attention_op_cuda.cc); cells are split among threads where
// LibTorch has more than one.
#include "core/model/torch/attention_op.h"

#include <torch/script.h>
#include <torch/torch.h>

#include <vector>

#include "core/model/cpu/attention_layer.h"
#include "core/model/torch/operators.h"

namespace unlasting::model {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::tensor_list;

void CheckGraph(const char* name, int64_t nodes, const Tensor& indptr, const Tensor& sources) {
  TORCH_CHECK(indptr.numel() == nodes + 1, name, ": indptr must be [nodes + 1]");
  TORCH_CHECK(indptr.scalar_type() == torch::kInt64 && sources.scalar_type() == torch::kInt64, name,
              ": indptr and sources must be int64");
  TORCH_CHECK(indptr.device().is_cpu(), name, ": this build computes on CPU only");
}

cpu::LayerGraph GraphOf(const Tensor& indptr, const Tensor& sources) {
  return cpu::LayerGraph(indptr.data_ptr<int64_t>(), sources.data_ptr<int64_t>(),
                         indptr.numel() - 1);
}

// --- gatv2: left, right [cells, nodes, heads, dim], attention [heads, dim] -> [cells, nodes, dim]

Tensor Gatv2Forward(const Tensor& left_in, const Tensor& right_in, const Tensor& attention_in,
                    const Tensor& indptr, const Tensor& sources) {
  const Tensor left = left_in.contiguous(), right = right_in.contiguous();
  const Tensor attention = attention_in.contiguous();
  CheckGatv2(left, right, attention, indptr, sources);
  const int64_t nodes = left.size(1), heads = left.size(2), dim = left.size(3);
  Tensor out = torch::empty({left.size(0), nodes, dim}, left.options());
  AT_DISPATCH_FLOATING_TYPES(left.scalar_type(), "gatv2", [&] {
    const cpu::LayerGraph graph = GraphOf(indptr, sources);
    ForCells(left.size(0), [&](int64_t first, int64_t last) {
      cpu::Attention<scalar_t> cell(graph, heads, dim, attention.data_ptr<scalar_t>());
      for (int64_t b = first; b < last; ++b) {
        cell.Forward(left.data_ptr<scalar_t>() + b * nodes * heads * dim,
                     right.data_ptr<scalar_t>() + b * nodes * heads * dim,
                     out.data_ptr<scalar_t>() + b * nodes * dim);
      }
    });
  });
  return out;
}

std::tuple<Tensor, Tensor, Tensor> Gatv2Backward(const Tensor& grad_in, const Tensor& left_in,
                                                 const Tensor& right_in, const Tensor& attention_in,
                                                 const Tensor& indptr, const Tensor& sources) {
  const Tensor left = left_in.contiguous(), right = right_in.contiguous();
  const Tensor attention = attention_in.contiguous(), grad = grad_in.contiguous();
  CheckGatv2(left, right, attention, indptr, sources);
  Tensor grad_left = torch::zeros_like(left), grad_right = torch::zeros_like(right);
  Tensor grad_attention = torch::zeros_like(attention);
  const int64_t nodes = left.size(1), heads = left.size(2), dim = left.size(3);
  AT_DISPATCH_FLOATING_TYPES(left.scalar_type(), "gatv2_backward", [&] {
    const cpu::LayerGraph graph = GraphOf(indptr, sources);
    ForCellsInOrder(left.size(0), [&](int64_t first, int64_t last) {
      cpu::Attention<scalar_t> cell(graph, heads, dim, attention.data_ptr<scalar_t>());
      for (int64_t b = first; b < last; ++b) {
        const int64_t at = b * nodes * heads * dim;
        cell.Backward(left.data_ptr<scalar_t>() + at, right.data_ptr<scalar_t>() + at,
                      grad.data_ptr<scalar_t>() + b * nodes * dim,
                      grad_left.data_ptr<scalar_t>() + at, grad_right.data_ptr<scalar_t>() + at,
                      grad_attention.data_ptr<scalar_t>());
      }
    });
  });
  return {grad_left, grad_right, grad_attention};
}

// Autograd stands above the devices: below it the dispatcher picks the tensors' own.
struct Gatv2Function : public Function<Gatv2Function> {
  static Tensor forward(AutogradContext* context, const Tensor& left, const Tensor& right,
                        const Tensor& attention, const Tensor& indptr, const Tensor& sources) {
    at::AutoDispatchBelowADInplaceOrView guard;
    context->save_for_backward({left, right, attention, indptr, sources});
    static const auto op = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("unlasting::gatv2", "")
                               .typed<decltype(Gatv2Forward)>();
    return op.call(left, right, attention, indptr, sources);
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    static const auto op = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("unlasting::gatv2_backward", "")
                               .typed<decltype(Gatv2Backward)>();
    const auto [left, right, attention] =
        op.call(grads[0], saved[0], saved[1], saved[2], saved[3], saved[4]);
    return {left, right, attention, Tensor(), Tensor()};
  }
};

// --- grn_layer: hidden [cells, nodes, dim] -> the same

struct LayerTensors {
  Tensor norm_weight, norm_bias, left_weight, left_bias, right_weight, right_bias, attention, bias;

  static constexpr int kCount = 8;
  tensor_list List() const {
    return {norm_weight,  norm_bias,  left_weight, left_bias,
            right_weight, right_bias, attention,   bias};
  }
  static LayerTensors Of(const tensor_list& list) {
    return {list[0].contiguous(), list[1].contiguous(), list[2].contiguous(), list[3].contiguous(),
            list[4].contiguous(), list[5].contiguous(), list[6].contiguous(), list[7].contiguous()};
  }
  template <typename T>
  cpu::LayerWeights<T> Weights(bool residual) const {
    cpu::LayerWeights<T> weights;
    weights.heads = attention.size(0);
    weights.dim = attention.size(1);
    weights.residual = residual;
    weights.norm_weight = norm_weight.data_ptr<T>();
    weights.norm_bias = norm_bias.data_ptr<T>();
    weights.left_weight = left_weight.data_ptr<T>();
    weights.left_bias = left_bias.data_ptr<T>();
    weights.right_weight = right_weight.data_ptr<T>();
    weights.right_bias = right_bias.data_ptr<T>();
    weights.attention = attention.data_ptr<T>();
    weights.bias = bias.data_ptr<T>();
    return weights;
  }
};

Tensor LayerForward(const Tensor& hidden_in, const LayerTensors& tensors_in, const Tensor& indptr,
                    const Tensor& sources, bool residual) {
  TORCH_CHECK(hidden_in.dim() == 3, "grn_layer: hidden must be [cells, nodes, dim]");
  const Tensor hidden = hidden_in.contiguous();
  const LayerTensors tensors = LayerTensors::Of(tensors_in.List());
  const int64_t nodes = hidden.size(1), dim = hidden.size(2), heads = tensors.attention.size(0);
  CheckGraph("grn_layer", nodes, indptr, sources);
  TORCH_CHECK(tensors.attention.dim() == 2 && tensors.attention.size(1) == dim &&
                  tensors.left_weight.numel() == dim * heads * dim &&
                  tensors.right_weight.numel() == dim * heads * dim,
              "grn_layer: weights must fit hidden's width");
  Tensor out = torch::empty_like(hidden);
  AT_DISPATCH_FLOATING_TYPES(hidden.scalar_type(), "grn_layer", [&] {
    const cpu::LayerGraph graph = GraphOf(indptr, sources);
    ForCells(hidden.size(0), [&](int64_t first, int64_t last) {
      cpu::AttentionLayer<scalar_t> layer(graph, tensors.Weights<scalar_t>(residual));
      for (int64_t b = first; b < last; ++b) {
        layer.Forward(hidden.data_ptr<scalar_t>() + b * nodes * dim,
                      out.data_ptr<scalar_t>() + b * nodes * dim);
      }
    });
  });
  return out;
}

struct LayerFunction : public Function<LayerFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& hidden, const Tensor& norm_weight,
                        const Tensor& norm_bias, const Tensor& left_weight, const Tensor& left_bias,
                        const Tensor& right_weight, const Tensor& right_bias,
                        const Tensor& attention, const Tensor& bias, const Tensor& indptr,
                        const Tensor& sources, bool residual) {
    at::AutoDispatchBelowADInplaceOrView guard;
    context->save_for_backward({norm_weight, norm_bias, left_weight, left_bias, right_weight,
                                right_bias, attention, bias, hidden, indptr, sources});
    context->saved_data["residual"] = residual;
    return LayerForward(
        hidden,
        {norm_weight, norm_bias, left_weight, left_bias, right_weight, right_bias, attention, bias},
        indptr, sources, residual);
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const LayerTensors tensors = LayerTensors::Of(saved);
    const Tensor hidden = saved[8].contiguous(), grad = grads[0].contiguous();
    const bool residual = context->saved_data["residual"].toBool();
    const int64_t nodes = hidden.size(1), dim = hidden.size(2);
    Tensor grad_hidden = torch::empty_like(hidden);
    tensor_list sums;
    for (const Tensor& tensor : tensors.List()) sums.push_back(torch::zeros_like(tensor));
    AT_DISPATCH_FLOATING_TYPES(hidden.scalar_type(), "grn_layer_backward", [&] {
      const cpu::LayerGraph graph = GraphOf(saved[9], saved[10]);
      ForCellsInOrder(hidden.size(0), [&](int64_t first, int64_t last) {
        cpu::AttentionLayer<scalar_t> layer(graph, tensors.Weights<scalar_t>(residual));
        for (int64_t b = first; b < last; ++b) {
          const int64_t at = b * nodes * dim;
          layer.Backward(hidden.data_ptr<scalar_t>() + at, grad.data_ptr<scalar_t>() + at,
                         grad_hidden.data_ptr<scalar_t>() + at);
        }
        const auto data = [&](int k) { return sums[k].data_ptr<scalar_t>(); };
        layer.TakeGradients(
            {data(0), data(1), data(2), data(3), data(4), data(5), data(6), data(7)});
      });
    });
    tensor_list all = {grad_hidden};
    all.insert(all.end(), sums.begin(), sums.end());
    all.resize(12);  // indptr, sources, residual
    return all;
  }
};

Tensor Gatv2Autograd(const Tensor& left, const Tensor& right, const Tensor& attention,
                     const Tensor& indptr, const Tensor& sources) {
  return Gatv2Function::apply(left, right, attention, indptr, sources);
}
Tensor Layer(const Tensor& hidden, const Tensor& norm_weight, const Tensor& norm_bias,
             const Tensor& left_weight, const Tensor& left_bias, const Tensor& right_weight,
             const Tensor& right_bias, const Tensor& attention, const Tensor& bias,
             const Tensor& indptr, const Tensor& sources, bool residual) {
  return LayerForward(
      hidden,
      {norm_weight, norm_bias, left_weight, left_bias, right_weight, right_bias, attention, bias},
      indptr, sources, residual);
}
Tensor LayerAutograd(const Tensor& hidden, const Tensor& norm_weight, const Tensor& norm_bias,
                     const Tensor& left_weight, const Tensor& left_bias, const Tensor& right_weight,
                     const Tensor& right_bias, const Tensor& attention, const Tensor& bias,
                     const Tensor& indptr, const Tensor& sources, bool residual) {
  return LayerFunction::apply(hidden, norm_weight, norm_bias, left_weight, left_bias, right_weight,
                              right_bias, attention, bias, indptr, sources, residual);
}
TORCH_LIBRARY_FRAGMENT(unlasting, library) {
  library.def(
      "gatv2(Tensor left, Tensor right, Tensor attention, Tensor indptr, Tensor sources) "
      "-> Tensor");
  // Has no derivative of its own: nothing here is differentiated twice.
  library.def(
      "gatv2_backward(Tensor grad, Tensor left, Tensor right, Tensor attention, Tensor indptr, "
      "Tensor sources) -> (Tensor, Tensor, Tensor)");
  library.def(
      "grn_layer(Tensor hidden, Tensor norm_weight, Tensor norm_bias, Tensor left_weight, "
      "Tensor left_bias, Tensor right_weight, Tensor right_bias, Tensor attention, Tensor bias, "
      "Tensor indptr, Tensor sources, bool residual) -> Tensor");
}
TORCH_LIBRARY_IMPL(unlasting, CPU, library) {
  library.impl("gatv2", Gatv2Forward);
  library.impl("gatv2_backward", Gatv2Backward);
  library.impl("grn_layer", Layer);
}
TORCH_LIBRARY_IMPL(unlasting, Autograd, library) {
  library.impl("gatv2", Gatv2Autograd);
  library.impl("grn_layer", LayerAutograd);
}

}  // namespace

void CheckGatv2(const Tensor& left, const Tensor& right, const Tensor& attention,
                const Tensor& indptr, const Tensor& sources) {
  TORCH_CHECK(left.dim() == 4, "gatv2: left must be [cells, nodes, heads, dim]");
  TORCH_CHECK(left.sizes() == right.sizes(), "gatv2: left and right must have equal shapes");
  TORCH_CHECK(attention.dim() == 2 && attention.size(0) == left.size(2) &&
                  attention.size(1) == left.size(3),
              "gatv2: attention must be [heads, dim]");
  TORCH_CHECK(indptr.numel() == left.size(1) + 1, "gatv2: indptr must be [nodes + 1]");
  TORCH_CHECK(indptr.scalar_type() == torch::kInt64 && sources.scalar_type() == torch::kInt64,
              "gatv2: indptr and sources must be int64");
  TORCH_CHECK(indptr.is_contiguous() && sources.is_contiguous(),
              "gatv2: indptr and sources must be contiguous");
  for (const Tensor& tensor : {right, attention, indptr, sources}) {
    TORCH_CHECK(tensor.device() == left.device(), "gatv2: all tensors must be on one device");
  }
}

// Called by whoever compiles or loads source that names an operator: a static library drops an
// object file that nobody refers to, and its registration with it.
void EnsureAttentionRegistered() {
#if defined(UNLASTING_TORCH_CUDA)
  EnsureCudaOperatorsRegistered();
#endif
}

}  // namespace unlasting::model
