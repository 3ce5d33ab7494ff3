// GATv2 aggregation over a shared network, forward and backward, without materialising edges.
//
// For one cell, target node i with sources j in N(i) and head h (eq 11; leaky slope 0.2):
//   score_ij = <a_h, leaky(left_j + right_i)>,  w_i = softmax_j(score_ij),
//   out_i    = mean_h sum_j w_ij left_j.
// left, right: [cells, nodes, heads, dim] contiguous; attention: [heads, dim]; out: [cells, nodes,
// dim]. A node without sources gets 0. Cells are independent: callers split them among threads, and
// results do not depend on the split.
#pragma once

#include <cstdint>

namespace unlasting::model {

struct AttentionShape {
  int64_t nodes = 0;
  int64_t heads = 0;
  int64_t dim = 0;
  const int64_t* indptr = nullptr;   // [nodes + 1], by target
  const int64_t* sources = nullptr;  // [edges]
};

template <typename T>
struct AttentionKernels {
  // One cell.
  void (*forward)(const AttentionShape& shape, const T* left, const T* right, const T* attention,
                  T* out);
  // One cell; adds to grad_left, grad_right [nodes, heads, dim] and grad_attention [heads, dim].
  void (*backward)(const AttentionShape& shape, const T* left, const T* right, const T* attention,
                   const T* grad_out, T* grad_left, T* grad_right, T* grad_attention);
};

// The best that this processor runs: AVX-512, AVX2 or the baseline.
template <typename T>
AttentionKernels<T> BestAttentionKernels();

}  // namespace unlasting::model
