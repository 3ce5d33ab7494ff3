// AttentionLayer computes a layer of the GRN block (eq 11) for training: the forward pass, and the
// derivative from the layer's input alone. It keeps nothing of the forward pass, so that memory
// grows with the number of nodes and not with that of edges.
#pragma once

#include <cstdint>
#include <vector>

#include "core/model/cpu/matrix.h"

namespace unlasting::model::cpu {

// Graph in the kernels' form.
struct LayerGraph {
  LayerGraph(const int64_t* indptr, const int64_t* sources, int64_t nodes);

  GraphView view() const { return {indptr, sources.data()}; }

  int64_t nodes;
  const int64_t* indptr;
  std::vector<int32_t> sources;
  int64_t largest_degree = 0;
};

// GATv2 aggregation alone: left and right are given. One cell; not thread-safe, one per thread.
// left, right [nodes, heads, dim], attention [heads, dim], out [nodes, dim]: dense, not padded.
template <typename T>
class Attention {
 public:
  Attention(const LayerGraph& graph, int64_t heads, int64_t dim, const T* attention);

  void Forward(const T* left, const T* right, T* out);
  // Adds to grad_left, grad_right [nodes, heads, dim] and grad_attention [heads, dim].
  void Backward(const T* left, const T* right, const T* grad_out, T* grad_left, T* grad_right,
                T* grad_attention);

 private:
  const LayerGraph& graph_;
  int64_t heads_, dim_, padded_;
  AlignedVector<T> attention_, attention_left_, attention_scaled_, bias_;
  AlignedVector<T> left_, left_score_, right_, out_, scores_;
  AlignedVector<T> grad_left_, grad_right_, grad_attention_;
};

// Weights of a layer as TorchScript holds them: dense, not padded.
template <typename T>
struct LayerWeights {
  int64_t heads = 0;
  int64_t dim = 0;
  bool residual = true;             // normalises its input and adds it to the output
  const T* norm_weight = nullptr;   // [dim]
  const T* norm_bias = nullptr;     // [dim]
  const T* left_weight = nullptr;   // [dim, heads * dim]
  const T* left_bias = nullptr;     // [heads * dim]
  const T* right_weight = nullptr;  // [dim, heads * dim]
  const T* right_bias = nullptr;    // [heads * dim]
  const T* attention = nullptr;     // [heads, dim]
  const T* bias = nullptr;          // [dim]
};

// One per thread.
template <typename T>
class AttentionLayer {
 public:
  AttentionLayer(const LayerGraph& graph, const LayerWeights<T>& weights);

  // out [nodes, dim] from the hidden state of one cell [nodes, dim].
  void Forward(const T* hidden, T* out);
  // grad_hidden [nodes, dim] is overwritten; the weights' gradients add up over calls.
  void Backward(const T* hidden, const T* grad_out, T* grad_hidden);

  // Writes the sums in the weights' own shapes. Null where a gradient is not wanted.
  struct Gradients {
    T *norm_weight, *norm_bias, *left_weight, *left_bias, *right_weight, *right_bias, *attention,
        *bias;
  };
  void TakeGradients(const Gradients& gradients) const;

 private:
  struct Side {
    PackedMatrix<T> map, transposed;
    AlignedVector<T> bias;                    // [heads * padded]
    AlignedVector<T> grad_weight, grad_bias;  // [padded, heads * padded], [heads * padded]
  };
  Side MakeSide(const T* weight, const T* bias, T sign) const;
  const T* Inputs(const T* hidden, int64_t rows, T* scratch) const;
  void AddSideGradients(const T* inputs, int64_t rows, const T* grad, Side* side) const;

  const LayerGraph& graph_;
  LayerWeights<T> weights_;
  int64_t padded_, wide_;
  Side left_, right_negated_;
  AlignedVector<T> norm_weight_, norm_bias_, attention_, attention_left_, attention_scaled_, bias_;
  AlignedVector<T> grad_norm_weight_, grad_norm_bias_, grad_attention_, grad_bias_, ones_;
  AlignedVector<T> hidden_, inputs_, left_features_, left_score_, right_features_, scores_;
  AlignedVector<T> grad_out_, grad_left_, grad_right_, grad_inputs_, grad_hidden_;
};

}  // namespace unlasting::model::cpu
