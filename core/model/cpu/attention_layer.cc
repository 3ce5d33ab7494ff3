// Long because forward and backward share the tiles and their padding.
#include "core/model/cpu/attention_layer.h"

#include <algorithm>

namespace unlasting::model::cpu {
namespace {

// Nodes of a tile, as in grn_block.cc.
constexpr int64_t kTile = 60;

template <typename Work>
void ForTiles(int64_t nodes, const Work& work) {
  for (int64_t first = 0; first < nodes; first += kTile)
    work(first, std::min(kTile, nodes - first));
}

// [rows, dim] dense to [rows, padded], or back.
template <typename T>
void Pad(const T* dense, int64_t rows, int64_t dim, int64_t padded, T sign, T* out) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < dim; ++k) out[r * padded + k] = sign * dense[r * dim + k];
    std::fill(out + r * padded + dim, out + (r + 1) * padded, T{0});
  }
}
template <typename T>
void AddDense(const T* in, int64_t rows, int64_t dim, int64_t padded, T sign, T* dense) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < dim; ++k) dense[r * dim + k] += sign * in[r * padded + k];
  }
}

// sums[columns] += the sum over rows of x [rows, columns]; `ones` holds kTile ones.
template <typename T>
void AddColumnSums(const T* x, int64_t rows, int64_t columns, const T* ones, T* sums) {
  AddProduct(ones, 0, 1, 1, rows, x, columns, columns, sums, columns);
}

}  // namespace

LayerGraph::LayerGraph(const int64_t* indptr_in, const int64_t* sources_in, int64_t nodes_in)
    : nodes(nodes_in), indptr(indptr_in), sources(sources_in, sources_in + indptr_in[nodes_in]) {
  for (int64_t i = 0; i < nodes; ++i) {
    largest_degree = std::max(largest_degree, indptr[i + 1] - indptr[i]);
  }
}

template <typename T>
Attention<T>::Attention(const LayerGraph& graph, int64_t heads, int64_t dim, const T* attention)
    : graph_(graph), heads_(heads), dim_(dim), padded_(Padded(dim)) {
  attention_ = PadRows(attention, heads, dim, padded_);
  for (const T a : attention_) {
    attention_left_.push_back(static_cast<T>(0.2) * a);
    attention_scaled_.push_back(static_cast<T>(0.8) * a);
  }
  bias_.assign(padded_, T{0});
  left_.resize(graph.nodes * heads * padded_);
  left_score_.resize(graph.nodes * heads);
  right_.resize(kTile * heads * padded_);
  out_.resize(kTile * padded_);
  scores_.resize(std::max<int64_t>(heads, 2) * Padded(graph.largest_degree + 1));
}

template <typename T>
void Attention<T>::Forward(const T* left, const T* right, T* out) {
  const auto& kernels = BestKernels<T>();
  Pad(left, graph_.nodes * heads_, dim_, padded_, T{1}, left_.data());
  kernels.dot_rows(left_.data(), graph_.nodes, heads_, padded_, attention_left_.data(),
                   left_score_.data());
  AttendArguments<T> attend;
  attend.graph = graph_.view();
  attend.heads = heads_;
  attend.dim = padded_;
  attend.left = left_.data();
  attend.left_score = left_score_.data();
  attend.right_negated = right_.data();
  attend.attention_scaled = attention_scaled_.data();
  attend.bias = bias_.data();
  attend.scores = scores_.data();
  attend.out = out_.data();
  ForTiles(graph_.nodes, [&](int64_t first, int64_t rows) {
    Pad(right + first * heads_ * dim_, rows * heads_, dim_, padded_, T{-1}, right_.data());
    kernels.attend(attend, first, first + rows);
    for (int64_t r = 0; r < rows; ++r) {
      std::copy_n(out_.data() + r * padded_, dim_, out + (first + r) * dim_);
    }
  });
}

template <typename T>
void Attention<T>::Backward(const T* left, const T* right, const T* grad_out, T* grad_left,
                            T* grad_right, T* grad_attention) {
  const auto& kernels = BestKernels<T>();
  grad_left_.assign(left_.size(), T{0});
  grad_right_.resize(right_.size());
  grad_attention_.assign(attention_.size(), T{0});
  Pad(left, graph_.nodes * heads_, dim_, padded_, T{1}, left_.data());
  kernels.dot_rows(left_.data(), graph_.nodes, heads_, padded_, attention_left_.data(),
                   left_score_.data());
  AttendGradArguments<T> attend;
  attend.graph = graph_.view();
  attend.heads = heads_;
  attend.dim = padded_;
  attend.left = left_.data();
  attend.left_score = left_score_.data();
  attend.right_negated = right_.data();
  attend.attention = attention_.data();
  attend.attention_scaled = attention_scaled_.data();
  attend.grad_out = out_.data();
  attend.scores = scores_.data();
  attend.grad_left = grad_left_.data();
  attend.grad_right = grad_right_.data();
  attend.grad_attention = grad_attention_.data();
  ForTiles(graph_.nodes, [&](int64_t first, int64_t rows) {
    Pad(right + first * heads_ * dim_, rows * heads_, dim_, padded_, T{-1}, right_.data());
    Pad(grad_out + first * dim_, rows, dim_, padded_, T{1}, out_.data());
    kernels.attend_grad(attend, first, first + rows);
    AddDense(grad_right_.data(), rows * heads_, dim_, padded_, T{1},
             grad_right + first * heads_ * dim_);
  });
  AddDense(grad_left_.data(), graph_.nodes * heads_, dim_, padded_, T{1}, grad_left);
  AddDense(grad_attention_.data(), heads_, dim_, padded_, T{1}, grad_attention);
}

template <typename T>
typename AttentionLayer<T>::Side AttentionLayer<T>::MakeSide(const T* weight, const T* bias,
                                                             T sign) const {
  const int64_t d = weights_.dim, heads = weights_.heads;
  AlignedVector<T> wide = PadRows(weight, d * heads, d, padded_);
  for (T& value : wide) value *= sign;
  // Of the map itself, whatever the sign it is kept with: gradients are of unnegated features.
  AlignedVector<T> transposed(wide_ * d);
  for (int64_t k = 0; k < d; ++k) {
    for (int64_t c = 0; c < wide_; ++c) transposed[c * d + k] = sign * wide[k * wide_ + c];
  }
  Side side;
  side.map = PackedMatrix<T>(wide.data(), d, wide_, padded_);
  side.transposed = PackedMatrix<T>(transposed.data(), wide_, d, wide_);
  side.bias = PadRows(bias, heads, d, padded_);
  for (T& value : side.bias) value *= sign;
  side.grad_weight.assign(padded_ * wide_, T{0});
  side.grad_bias.assign(wide_, T{0});
  return side;
}

template <typename T>
AttentionLayer<T>::AttentionLayer(const LayerGraph& graph, const LayerWeights<T>& weights)
    : graph_(graph),
      weights_(weights),
      padded_(Padded(weights.dim)),
      wide_(weights.heads * Padded(weights.dim)),
      left_(MakeSide(weights.left_weight, weights.left_bias, T{1})),
      right_negated_(MakeSide(weights.right_weight, weights.right_bias, T{-1})) {
  const int64_t d = weights.dim;
  norm_weight_ = PadRows(weights.norm_weight, 1, d, padded_);
  norm_bias_ = PadRows(weights.norm_bias, 1, d, padded_);
  bias_ = PadRows(weights.bias, 1, d, padded_);
  attention_ = PadRows(weights.attention, weights.heads, d, padded_);
  for (const T a : attention_) {
    attention_left_.push_back(static_cast<T>(0.2) * a);
    attention_scaled_.push_back(static_cast<T>(0.8) * a);
  }
  grad_norm_weight_.assign(padded_, T{0});
  grad_norm_bias_.assign(padded_, T{0});
  grad_attention_.assign(wide_, T{0});
  grad_bias_.assign(padded_, T{0});
  ones_.assign(kTile, T{1});
  hidden_.resize(graph.nodes * padded_);
  inputs_.resize(graph.nodes * padded_);
  left_features_.resize(graph.nodes * wide_);
  left_score_.resize(graph.nodes * weights.heads);
  right_features_.resize(kTile * wide_);
  scores_.resize(std::max<int64_t>(weights.heads, 2) * Padded(graph.largest_degree + 1));
}

template <typename T>
const T* AttentionLayer<T>::Inputs(const T* hidden, int64_t rows, T* scratch) const {
  if (!weights_.residual) return hidden;
  BestKernels<T>().layer_norm(hidden, rows, weights_.dim, padded_, norm_weight_.data(),
                              norm_bias_.data(), scratch);
  return scratch;
}

template <typename T>
void AttentionLayer<T>::Forward(const T* hidden, T* out) {
  const auto& kernels = BestKernels<T>();
  Pad(hidden, graph_.nodes, weights_.dim, padded_, T{1}, hidden_.data());
  ForTiles(graph_.nodes, [&](int64_t first, int64_t rows) {
    T* features = left_features_.data() + first * wide_;
    const T* x = Inputs(hidden_.data() + first * padded_, rows, inputs_.data());
    left_.map.Multiply(x, padded_, rows, left_.bias.data(), false, features, wide_);
    kernels.dot_rows(features, rows, weights_.heads, padded_, attention_left_.data(),
                     left_score_.data() + first * weights_.heads);
  });
  AttendArguments<T> attend;
  attend.graph = graph_.view();
  attend.heads = weights_.heads;
  attend.dim = padded_;
  attend.left = left_features_.data();
  attend.left_score = left_score_.data();
  attend.right_negated = right_features_.data();
  attend.attention_scaled = attention_scaled_.data();
  attend.bias = bias_.data();
  attend.residual = weights_.residual;
  attend.scores = scores_.data();
  ForTiles(graph_.nodes, [&](int64_t first, int64_t rows) {
    T* state = hidden_.data() + first * padded_;
    const T* x = Inputs(state, rows, inputs_.data());
    right_negated_.map.Multiply(x, padded_, rows, right_negated_.bias.data(), false,
                                right_features_.data(), wide_);
    attend.out = state;
    kernels.attend(attend, first, first + rows);
    for (int64_t r = 0; r < rows; ++r) {
      std::copy_n(state + r * padded_, weights_.dim, out + (first + r) * weights_.dim);
    }
  });
}

// Weight [padded, wide] += inputs' grad, bias += column sums.
template <typename T>
void AttentionLayer<T>::AddSideGradients(const T* inputs, int64_t rows, const T* grad,
                                         Side* side) const {
  AddProduct(inputs, 1, padded_, padded_, rows, grad, wide_, wide_, side->grad_weight.data(),
             wide_);
  AddColumnSums(grad, rows, wide_, ones_.data(), side->grad_bias.data());
}

// Long because every buffer of a tile is used in every stage.
template <typename T>
void AttentionLayer<T>::Backward(const T* hidden, const T* grad_out, T* grad_hidden) {
  const auto& kernels = BestKernels<T>();
  grad_out_.resize(kTile * padded_);
  grad_left_.assign(left_features_.size(), T{0});
  grad_right_.resize(kTile * wide_);
  grad_inputs_.resize(graph_.nodes * padded_);
  grad_hidden_.resize(kTile * padded_);
  Pad(hidden, graph_.nodes, weights_.dim, padded_, T{1}, hidden_.data());
  const T* inputs = Inputs(hidden_.data(), graph_.nodes, inputs_.data());
  ForTiles(graph_.nodes, [&](int64_t first, int64_t rows) {
    T* features = left_features_.data() + first * wide_;
    left_.map.Multiply(inputs + first * padded_, padded_, rows, left_.bias.data(), false, features,
                       wide_);
    kernels.dot_rows(features, rows, weights_.heads, padded_, attention_left_.data(),
                     left_score_.data() + first * weights_.heads);
  });
  AttendGradArguments<T> attend;
  attend.graph = graph_.view();
  attend.heads = weights_.heads;
  attend.dim = padded_;
  attend.left = left_features_.data();
  attend.left_score = left_score_.data();
  attend.right_negated = right_features_.data();
  attend.attention = attention_.data();
  attend.attention_scaled = attention_scaled_.data();
  attend.grad_out = grad_out_.data();
  attend.scores = scores_.data();
  attend.grad_left = grad_left_.data();
  attend.grad_right = grad_right_.data();
  attend.grad_attention = grad_attention_.data();
  // Right features belong to one target; left features gather from every target, so their part
  // waits for the second pass.
  ForTiles(graph_.nodes, [&](int64_t first, int64_t rows) {
    const T* x = inputs + first * padded_;
    right_negated_.map.Multiply(x, padded_, rows, right_negated_.bias.data(), false,
                                right_features_.data(), wide_);
    Pad(grad_out + first * weights_.dim, rows, weights_.dim, padded_, T{1}, grad_out_.data());
    kernels.attend_grad(attend, first, first + rows);
    AddColumnSums(grad_out_.data(), rows, padded_, ones_.data(), grad_bias_.data());
    AddSideGradients(x, rows, grad_right_.data(), &right_negated_);
    right_negated_.transposed.Multiply(grad_right_.data(), wide_, rows, nullptr, false,
                                       grad_inputs_.data() + first * padded_, padded_);
  });
  ForTiles(graph_.nodes, [&](int64_t first, int64_t rows) {
    const T* grad_left = grad_left_.data() + first * wide_;
    T* grad_inputs = grad_inputs_.data() + first * padded_;
    AddSideGradients(inputs + first * padded_, rows, grad_left, &left_);
    left_.transposed.Multiply(grad_left, wide_, rows, nullptr, true, grad_inputs, padded_);
    const T* grad_state = grad_inputs;
    if (weights_.residual) {
      kernels.layer_norm_grad(hidden_.data() + first * padded_, rows, weights_.dim, padded_,
                              norm_weight_.data(), grad_inputs, grad_hidden_.data(),
                              grad_norm_weight_.data(), grad_norm_bias_.data());
      grad_state = grad_hidden_.data();
    }
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = (first + r) * weights_.dim;
      for (int64_t k = 0; k < weights_.dim; ++k) {
        const T skipped = weights_.residual ? grad_out[at + k] : T{0};
        grad_hidden[at + k] = grad_state[r * padded_ + k] + skipped;
      }
    }
  });
}

template <typename T>
void AttentionLayer<T>::TakeGradients(const Gradients& gradients) const {
  const int64_t d = weights_.dim, heads = weights_.heads;
  const auto take = [&](const AlignedVector<T>& sums, int64_t rows, T* out) {
    if (out == nullptr) return;
    std::fill(out, out + rows * d, T{0});
    AddDense(sums.data(), rows, d, padded_, T{1}, out);
  };
  take(grad_norm_weight_, 1, gradients.norm_weight);
  take(grad_norm_bias_, 1, gradients.norm_bias);
  take(left_.grad_weight, d * heads, gradients.left_weight);
  take(left_.grad_bias, heads, gradients.left_bias);
  take(right_negated_.grad_weight, d * heads, gradients.right_weight);
  take(right_negated_.grad_bias, heads, gradients.right_bias);
  take(grad_attention_, heads, gradients.attention);
  take(grad_bias_, 1, gradients.bias);
}

template class Attention<float>;
template class Attention<double>;
template class AttentionLayer<float>;
template class AttentionLayer<double>;

}  // namespace unlasting::model::cpu
