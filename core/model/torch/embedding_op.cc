// The operators unlasting::phi and unlasting::add_psi, for eager code and TorchScript alike, with
// their derivatives. CPU.
#include <torch/script.h>
#include <torch/torch.h>

#include <vector>

#include "core/model/cpu/embedding.h"
#include "core/model/torch/operators.h"

namespace unlasting::model {
namespace {

using c10::optional;
using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::tensor_list;

// --- phi: gene [nodes, dim], knockout [cells, nodes]?, bias [cells, dim] -> [cells, nodes, dim]

const Tensor& OrEmpty(const optional<Tensor>& tensor) {
  static const Tensor none;
  return tensor.has_value() ? *tensor : none;
}

template <typename T>
const T* RowOrNull(const Tensor& tensor, int64_t row) {
  return tensor.defined() ? tensor.data_ptr<T>() + row * tensor.size(1) : nullptr;
}

Tensor PhiForward(const Tensor& gene_in, const Tensor& knockout_in, const Tensor& bias_in,
                  const Tensor& out_weight_in, const Tensor& out_bias_in) {
  const Tensor gene = gene_in.contiguous(), bias = bias_in.contiguous();
  const Tensor out_weight = out_weight_in.contiguous(), out_bias = out_bias_in.contiguous();
  const Tensor knockout = knockout_in.defined() ? knockout_in.contiguous() : knockout_in;
  const int64_t nodes = gene.size(0), dim = gene.size(1), cells = bias.size(0);
  TORCH_CHECK(gene.device().is_cpu(), "phi: this build computes on CPU only");
  TORCH_CHECK(bias.size(1) == dim && out_weight.numel() == dim * dim, "phi: widths must agree");
  TORCH_CHECK(!knockout.defined() || (knockout.size(0) == cells && knockout.size(1) == nodes),
              "phi: knockout must be [cells, nodes]");
  Tensor y = torch::empty({cells, nodes, dim}, gene.options());
  AT_DISPATCH_FLOATING_TYPES(gene.scalar_type(), "phi", [&] {
    ForCells(cells, [&](int64_t first, int64_t last) {
      cpu::Embedding<scalar_t> embedding(dim, out_weight.data_ptr<scalar_t>(),
                                         out_bias.data_ptr<scalar_t>());
      for (int64_t b = first; b < last; ++b) {
        embedding.Phi(gene.data_ptr<scalar_t>(), RowOrNull<scalar_t>(knockout, b),
                      bias.data_ptr<scalar_t>() + b * dim, nodes,
                      y.data_ptr<scalar_t>() + b * nodes * dim);
      }
    });
  });
  return y;
}

struct PhiFunction : public Function<PhiFunction> {
  // An absent tensor must come as an optional: `apply` asks every tensor for its device.
  static Tensor forward(AutogradContext* context, const Tensor& gene,
                        const optional<Tensor>& knockout, const Tensor& bias,
                        const Tensor& out_weight, const Tensor& out_bias) {
    at::AutoDispatchBelowADInplaceOrView guard;
    context->save_for_backward({gene, OrEmpty(knockout), bias, out_weight, out_bias});
    return PhiForward(gene, OrEmpty(knockout), bias, out_weight, out_bias);
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const Tensor gene = saved[0].contiguous(), bias = saved[2].contiguous();
    const Tensor knockout = saved[1].defined() ? saved[1].contiguous() : saved[1];
    const Tensor out_weight = saved[3].contiguous(), out_bias = saved[4].contiguous();
    const Tensor grad = grads[0].contiguous();
    Tensor grad_gene = torch::zeros_like(gene), grad_bias_in = torch::zeros_like(bias);
    Tensor grad_weight = torch::empty_like(out_weight), grad_bias = torch::empty_like(out_bias);
    const int64_t nodes = gene.size(0), dim = gene.size(1);
    AT_DISPATCH_FLOATING_TYPES(gene.scalar_type(), "phi_backward", [&] {
      ForCellsInOrder(bias.size(0), [&](int64_t first, int64_t last) {
        cpu::Embedding<scalar_t> embedding(dim, out_weight.data_ptr<scalar_t>(),
                                           out_bias.data_ptr<scalar_t>());
        for (int64_t b = first; b < last; ++b) {
          embedding.PhiBackward(gene.data_ptr<scalar_t>(), RowOrNull<scalar_t>(knockout, b),
                                bias.data_ptr<scalar_t>() + b * dim, nodes,
                                grad.data_ptr<scalar_t>() + b * nodes * dim,
                                grad_gene.data_ptr<scalar_t>(),
                                grad_bias_in.data_ptr<scalar_t>() + b * dim);
        }
        embedding.TakeGradients(grad_weight.data_ptr<scalar_t>(), grad_bias.data_ptr<scalar_t>());
      });
    });
    return {grad_gene, Tensor(), grad_bias_in, grad_weight, grad_bias};
  }
};

// --- add_psi: base [cells, nodes, dim] with Psi of x [cells, N <= nodes] added to its first N

Tensor PsiForward(const Tensor& base, const Tensor& x_in, const Tensor& in_weight,
                  const Tensor& in_bias, const Tensor& out_weight_in, const Tensor& out_bias_in) {
  const Tensor x = x_in.contiguous();
  const Tensor out_weight = out_weight_in.contiguous(), out_bias = out_bias_in.contiguous();
  const Tensor in = in_weight.contiguous(), bias = in_bias.contiguous();
  const int64_t nodes = base.size(1), dim = base.size(2), genes = x.size(1);
  TORCH_CHECK(base.device().is_cpu(), "add_psi: this build computes on CPU only");
  TORCH_CHECK(x.size(0) == base.size(0) && genes <= nodes && in.numel() == dim,
              "add_psi: x must be [cells, genes] with at most as many genes as nodes");
  Tensor y = base.clone(at::MemoryFormat::Contiguous);
  AT_DISPATCH_FLOATING_TYPES(y.scalar_type(), "add_psi", [&] {
    ForCells(x.size(0), [&](int64_t first, int64_t last) {
      cpu::Embedding<scalar_t> embedding(dim, out_weight.data_ptr<scalar_t>(),
                                         out_bias.data_ptr<scalar_t>());
      for (int64_t b = first; b < last; ++b) {
        embedding.AddPsi(x.data_ptr<scalar_t>() + b * genes, in.data_ptr<scalar_t>(),
                         bias.data_ptr<scalar_t>(), genes,
                         y.data_ptr<scalar_t>() + b * nodes * dim);
      }
    });
  });
  return y;
}

struct PsiFunction : public Function<PsiFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& base, const Tensor& x,
                        const Tensor& in_weight, const Tensor& in_bias, const Tensor& out_weight,
                        const Tensor& out_bias) {
    at::AutoDispatchBelowADInplaceOrView guard;
    TORCH_CHECK(!x.requires_grad(), "add_psi: x has no derivative");
    context->save_for_backward({x, in_weight, in_bias, out_weight, out_bias});
    return PsiForward(base, x, in_weight, in_bias, out_weight, out_bias);
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const Tensor x = saved[0].contiguous(), in = saved[1].contiguous(),
                 bias = saved[2].contiguous();
    const Tensor out_weight = saved[3].contiguous(), out_bias = saved[4].contiguous();
    const Tensor grad = grads[0].contiguous();
    Tensor grad_in = torch::zeros_like(in), grad_in_bias = torch::zeros_like(bias);
    Tensor grad_weight = torch::empty_like(out_weight), grad_bias = torch::empty_like(out_bias);
    const int64_t nodes = grad.size(1), dim = grad.size(2), genes = x.size(1);
    AT_DISPATCH_FLOATING_TYPES(grad.scalar_type(), "add_psi_backward", [&] {
      ForCellsInOrder(x.size(0), [&](int64_t first, int64_t last) {
        cpu::Embedding<scalar_t> embedding(dim, out_weight.data_ptr<scalar_t>(),
                                           out_bias.data_ptr<scalar_t>());
        for (int64_t b = first; b < last; ++b) {
          embedding.PsiBackward(x.data_ptr<scalar_t>() + b * genes, in.data_ptr<scalar_t>(),
                                bias.data_ptr<scalar_t>(), genes,
                                grad.data_ptr<scalar_t>() + b * nodes * dim,
                                grad_in.data_ptr<scalar_t>(), grad_in_bias.data_ptr<scalar_t>());
        }
        embedding.TakeGradients(grad_weight.data_ptr<scalar_t>(), grad_bias.data_ptr<scalar_t>());
      });
    });
    return {grad, Tensor(), grad_in, grad_in_bias, grad_weight, grad_bias};
  }
};

Tensor Phi(const Tensor& gene, const optional<Tensor>& knockout, const Tensor& bias,
           const Tensor& out_weight, const Tensor& out_bias) {
  return PhiForward(gene, OrEmpty(knockout), bias, out_weight, out_bias);
}
Tensor PhiAutograd(const Tensor& gene, const optional<Tensor>& knockout, const Tensor& bias,
                   const Tensor& out_weight, const Tensor& out_bias) {
  return PhiFunction::apply(gene, knockout, bias, out_weight, out_bias);
}
Tensor PsiAutograd(const Tensor& base, const Tensor& x, const Tensor& in_weight,
                   const Tensor& in_bias, const Tensor& out_weight, const Tensor& out_bias) {
  return PsiFunction::apply(base, x, in_weight, in_bias, out_weight, out_bias);
}

TORCH_LIBRARY_FRAGMENT(unlasting, library) {
  library.def(
      "phi(Tensor gene, Tensor? knockout, Tensor bias, Tensor out, Tensor out_bias) -> Tensor");
  library.def(
      "add_psi(Tensor base, Tensor x, Tensor in_weight, Tensor in_bias, Tensor out, "
      "Tensor out_bias) -> Tensor");
}
TORCH_LIBRARY_IMPL(unlasting, CPU, library) {
  library.impl("phi", Phi);
  library.impl("add_psi", PsiForward);
}
TORCH_LIBRARY_IMPL(unlasting, Autograd, library) {
  library.impl("phi", PhiAutograd);
  library.impl("add_psi", PsiAutograd);
}

}  // namespace

// As in attention_op.cc.
void EnsureEmbeddingRegistered() {}

}  // namespace unlasting::model
