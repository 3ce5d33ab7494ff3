// embedding.h computes Phi and Psi (eq 7-10) for training: embeddings through one hidden layer,
// forward and backward. The hidden layer is computed anew for each tile instead of being kept.
//
//   y = silu(pre) out + out_bias
//   Phi: pre_i = gene_i * keep_i + bias      gene [nodes, dim], keep_i = 1 - knockout_i
//   Psi: pre_i = x_i * in + bias              x [nodes]
#pragma once

#include <cstdint>

#include "core/model/cpu/matrix.h"

namespace unlasting::model::cpu {

// The map behind the hidden layer, and the sums of its gradients. One per thread.
template <typename T>
class Embedding {
 public:
  // out [dim, dim], out_bias [dim]: dense.
  Embedding(int64_t dim, const T* out, const T* out_bias);

  // y [nodes, dim] = Phi of one cell; knockout [nodes] may be null.
  void Phi(const T* gene, const T* knockout, const T* bias, int64_t nodes, T* y);
  // grad_gene [nodes, dim] and grad_bias_in [dim] are added to.
  void PhiBackward(const T* gene, const T* knockout, const T* bias, int64_t nodes, const T* grad,
                   T* grad_gene, T* grad_bias_in);
  // y [nodes, dim] += Psi of x [nodes].
  void AddPsi(const T* x, const T* in, const T* bias, int64_t nodes, T* y);
  // grad_in and grad_bias [dim] are added to. x is data: it has no gradient.
  void PsiBackward(const T* x, const T* in, const T* bias, int64_t nodes, const T* grad, T* grad_in,
                   T* grad_bias);

  // Overwrites grad_out [dim, dim] and grad_out_bias [dim] with the sums so far.
  void TakeGradients(T* grad_out, T* grad_out_bias) const;

 private:
  void Forward(int64_t rows, bool add, T* y);
  // From pre_ and the gradient of y to the gradient of pre, in grad_pre_.
  void Backward(int64_t rows, const T* grad);

  int64_t dim_, padded_;
  PackedMatrix<T> out_, out_transposed_;
  AlignedVector<T> out_bias_, grad_out_, grad_out_bias_;
  AlignedVector<T> pre_, hidden_, y_, grad_y_, grad_pre_, ones_, sums_;
};

}  // namespace unlasting::model::cpu
