// attention_kernels.h computes the operator unlasting::gatv2 on a CUDA device, forward and
// backward, for float and double. Pointers are the device's; calls neither allocate nor wait. Sums
// are made in a fixed order, without atomics, so that equal calls give equal bits.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace unlasting::model::cuda {

constexpr int64_t kLargestAttentionDim = 512;

template <typename T>
struct AttentionProblem {
  int64_t cells = 0;
  int64_t nodes = 0;
  int64_t heads = 0;
  int64_t dim = 0;  // at most kLargestAttentionDim
  int64_t edges = 0;
  // Arrays of T are aligned to 16 bytes where dim is a multiple of four.
  const int64_t* indptr = nullptr;   // [nodes + 1], by target
  const int64_t* sources = nullptr;  // [edges]
  const T* left = nullptr;           // [cells, nodes, heads, dim]
  const T* right = nullptr;
  const T* attention = nullptr;  // [heads, dim]
};

// The same edges by source.
struct TransposedGraph {
  const int64_t* indptr = nullptr;   // [nodes + 1]
  const int64_t* edges = nullptr;    // [edges]: their numbers, ascending within a source
  const int64_t* targets = nullptr;  // [edges]: theirs, in this order
};

template <typename T>
struct AttentionGradients {
  const T* out = nullptr;     // of the result: [cells, nodes, dim]
  T* edge_scratch = nullptr;  // [cells, heads, edges, 2]
  T* left = nullptr;          // [cells, nodes, heads, dim]
  T* right = nullptr;
  T* attention = nullptr;  // [cells, heads, AttentionParts(nodes), dim]: to be summed over parts
};

int64_t AttentionParts(int64_t nodes);

// out [cells, nodes, dim].
template <typename T>
void AttentionForward(const AttentionProblem<T>& problem, T* out, cudaStream_t stream);
template <typename T>
void AttentionBackward(const AttentionProblem<T>& problem, const TransposedGraph& transposed,
                       const AttentionGradients<T>& gradients, cudaStream_t stream);

}  // namespace unlasting::model::cuda
