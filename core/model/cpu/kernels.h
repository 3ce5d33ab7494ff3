// kernels.h offers the vector code of the fused networks, for the best instruction set that the
// processor runs.
//
// Matrices are row-major. Embedding widths are padded to kPad with zeros, so that no kernel has a
// tail along the embedding. Arrays should start on a cache line (aligned.h). No result depends on
// how many rows or nodes are passed at once: every output is summed in an order of its own, one
// term after the other. This makes a cell's prediction independent, to the bit, of the cells in its
// batch.
#pragma once

#include <cstdint>

namespace unlasting::model::cpu {

// Multiple of every vector length in use.
constexpr int64_t kPad = 16;
// Columns of a packed panel.
constexpr int64_t kPanel = 64;

inline int64_t Padded(int64_t n, int64_t multiple = kPad) {
  return (n + multiple - 1) / multiple * multiple;
}

// Part of a network that one call works on: targets [first, last) of a graph.
struct GraphView {
  const int64_t* indptr = nullptr;   // [nodes + 1], by target
  const int32_t* sources = nullptr;  // [edges]
};

// GATv2 (eq 11) for targets [first, last), heads averaged. With
//   leaky(l + r) = 0.2 l + r + 0.8 max(l, -r)   (slope 0.2)
// a score is 0.2 <a, l_j> + 0.8 <a, max(l_j, -r_i)> up to a term that softmax does not see.
template <typename T>
struct AttendArguments {
  GraphView graph;
  int64_t heads = 0;
  int64_t dim = 0;                      // padded
  const T* left = nullptr;              // [nodes, heads, dim]
  const T* left_score = nullptr;        // [nodes, heads]: 0.2 <a, l_j>
  const T* right_negated = nullptr;     // [last - first, heads, dim]
  const T* attention_scaled = nullptr;  // [heads, dim]: 0.8 a
  const T* bias = nullptr;              // [dim]
  bool residual = false;                // adds to what `out` holds
  T* scores = nullptr;                  // scratch: [heads, Padded(largest degree)]
  T* out = nullptr;                     // [last - first, dim]
  // Where not null: weights are added here, [heads, last - first, nodes], in place of being used;
  // `out` is left alone.
  T* dense_weights = nullptr;
  int64_t nodes = 0;
};

// The derivative of the same. Weights are recomputed; nothing of the forward pass is kept.
template <typename T>
struct AttendGradArguments {
  GraphView graph;
  int64_t heads = 0;
  int64_t dim = 0;                      // padded
  const T* left = nullptr;              // [nodes, heads, dim]
  const T* left_score = nullptr;        // [nodes, heads]
  const T* right_negated = nullptr;     // [last - first, heads, dim]
  const T* attention = nullptr;         // [heads, dim]
  const T* attention_scaled = nullptr;  // [heads, dim]: 0.8 a
  const T* grad_out = nullptr;          // [last - first, dim]
  T* scores = nullptr;                  // scratch: [2, Padded(largest degree)]
  T* grad_left = nullptr;               // [nodes, heads, dim], added to
  T* grad_right = nullptr;              // [last - first, heads, dim], overwritten
  T* grad_attention = nullptr;          // [heads, dim], added to
};

// Psi of one scalar (eq 7-10) by cubic Hermite interpolation on an even grid. Row k holds value and
// slope times `step` at low + k * step, [2, dim].
template <typename T>
struct PsiGrid {
  T low = 0;
  T inverse_step = 0;
  int64_t rows = 0;
  int64_t dim = 0;  // padded
  const T* values = nullptr;
};

// c[rows, columns] = (accumulate ? c : bias or 0) + a[rows, depth] * packed.
template <typename T>
struct MultiplyArguments {
  const T* a = nullptr;
  int64_t a_stride = 0;        // from row to row
  int64_t a_depth_stride = 1;  // along the depth: a transposed matrix has its strides exchanged
  int64_t rows = 0;
  int64_t depth = 0;
  const T* packed = nullptr;       // [panels][depth][kPanel]
  int64_t packed_stride = kPanel;  // from row to row of a panel
  int64_t panel_stride = 0;        // from one panel's row k to the next panel's
  int64_t columns = 0;             // multiple of kPad
  const T* bias = nullptr;         // [columns]
  bool accumulate = false;
  T* c = nullptr;
  int64_t c_stride = 0;
};

template <typename T>
struct Kernels {
  void (*multiply)(const MultiplyArguments<T>& arguments);
  // x <- x / (1 + exp(-x)), count a multiple of kPad.
  void (*silu)(T* x, int64_t count);
  // y <- grad * d silu(x) / dx.
  void (*silu_grad)(const T* x, const T* grad, int64_t count, T* y);
  // Rows to mean 0 and variance 1 over `dim` of `stride` columns, then weight and bias, all
  // [stride] with zeros behind `dim`; epsilon 1e-5.
  void (*layer_norm)(const T* x, int64_t rows, int64_t dim, int64_t stride, const T* weight,
                     const T* bias, T* out);
  // Its derivative: adds to grad_weight and grad_bias [stride]; grad_x [rows, stride] is
  // overwritten.
  void (*layer_norm_grad)(const T* x, int64_t rows, int64_t dim, int64_t stride, const T* weight,
                          const T* grad, T* grad_x, T* grad_weight, T* grad_bias);
  // out[row] += Psi(x[row]) for rows whose x lies on the grid; returns how many do not, with their
  // numbers in `outside` [rows].
  int64_t (*add_psi)(const PsiGrid<T>& grid, const T* x, int64_t rows, T* out, int32_t* outside);
  void (*attend)(const AttendArguments<T>& arguments, int64_t first, int64_t last);
  void (*attend_grad)(const AttendGradArguments<T>& arguments, int64_t first, int64_t last);
  // out[row, k] = <a_k, x_row,k> for x [rows, count, dim] and a [count, dim].
  void (*dot_rows)(const T* x, int64_t rows, int64_t count, int64_t dim, const T* a, T* out);
};

template <typename T>
const Kernels<T>& BestKernels();
template <>
const Kernels<float>& BestKernels<float>();
template <>
const Kernels<double>& BestKernels<double>();

}  // namespace unlasting::model::cpu
