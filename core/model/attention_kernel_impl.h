// Body of the attention kernels; compiled once per instruction set (core/model/CMakeLists.txt).
// The compiler vectorises the loops over dim, the contiguous axis.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/model/attention_kernel.h"

namespace unlasting::model {
// Internal linkage: each instruction set keeps its own copy.
namespace {

constexpr double kSlope = 0.2;

template <typename T>
inline T Score(const T* __restrict left, const T* __restrict right, const T* __restrict a,
               int64_t dim) {
  T sum = 0;
  for (int64_t d = 0; d < dim; ++d) {
    const T z = left[d] + right[d];
    sum += a[d] * std::max(z, static_cast<T>(kSlope) * z);
  }
  return sum;
}

// Softmax weights of target `i` and head `h` into `weights`.
template <typename T>
inline void Weights(const AttentionShape& s, const T* left, const T* right_i, const T* a,
                    int64_t head, int64_t begin, int64_t end, T* weights) {
  const int64_t stride = s.heads * s.dim;
  T peak = -std::numeric_limits<T>::infinity();
  for (int64_t e = begin; e < end; ++e) {
    weights[e - begin] = Score(left + s.sources[e] * stride + head * s.dim, right_i, a, s.dim);
    peak = std::max(peak, weights[e - begin]);
  }
  T total = 0;
  for (int64_t k = 0; k < end - begin; ++k) {
    weights[k] = std::exp(weights[k] - peak);
    total += weights[k];
  }
  const T scale = T{1} / total;
  for (int64_t k = 0; k < end - begin; ++k) weights[k] *= scale;
}

inline int64_t LargestDegree(const AttentionShape& s) {
  int64_t largest = 0;
  for (int64_t i = 0; i < s.nodes; ++i) {
    largest = std::max(largest, s.indptr[i + 1] - s.indptr[i]);
  }
  return largest;
}

template <typename T>
void Forward(const AttentionShape& s, const T* left, const T* right, const T* attention, T* out) {
  const int64_t stride = s.heads * s.dim;
  const T share = T{1} / static_cast<T>(s.heads);
  std::vector<T> weights(LargestDegree(s));
  for (int64_t i = 0; i < s.nodes; ++i) {
    T* __restrict out_i = out + i * s.dim;
    std::fill(out_i, out_i + s.dim, T{0});
    const int64_t begin = s.indptr[i], end = s.indptr[i + 1];
    if (begin == end) continue;
    for (int64_t h = 0; h < s.heads; ++h) {
      Weights(s, left, right + i * stride + h * s.dim, attention + h * s.dim, h, begin, end,
              weights.data());
      for (int64_t e = begin; e < end; ++e) {
        const T w = weights[e - begin] * share;
        const T* __restrict left_j = left + s.sources[e] * stride + h * s.dim;
        for (int64_t d = 0; d < s.dim; ++d) out_i[d] += w * left_j[d];
      }
    }
  }
}

template <typename T>
void Backward(const AttentionShape& s, const T* left, const T* right, const T* attention,
              const T* grad_out, T* grad_left, T* grad_right, T* grad_attention) {
  const int64_t stride = s.heads * s.dim;
  const T share = T{1} / static_cast<T>(s.heads);
  std::vector<T> weights(LargestDegree(s)), grad_weights(weights.size());
  for (int64_t i = 0; i < s.nodes; ++i) {
    const int64_t begin = s.indptr[i], end = s.indptr[i + 1];
    const T* __restrict g = grad_out + i * s.dim;
    for (int64_t h = 0; h < s.heads; ++h) {
      const T* __restrict right_i = right + i * stride + h * s.dim;
      const T* __restrict a = attention + h * s.dim;
      T* __restrict grad_right_i = grad_right + i * stride + h * s.dim;
      T* __restrict grad_a = grad_attention + h * s.dim;
      if (begin == end) continue;
      Weights(s, left, right_i, a, h, begin, end, weights.data());
      T mean = 0;
      for (int64_t e = begin; e < end; ++e) {
        const T* __restrict left_j = left + s.sources[e] * stride + h * s.dim;
        T dot = 0;
        for (int64_t d = 0; d < s.dim; ++d) dot += g[d] * left_j[d];
        grad_weights[e - begin] = dot * share;
        mean += weights[e - begin] * grad_weights[e - begin];
      }
      for (int64_t e = begin; e < end; ++e) {
        const T w = weights[e - begin] * share;
        const T grad_score = weights[e - begin] * (grad_weights[e - begin] - mean);
        const int64_t offset = s.sources[e] * stride + h * s.dim;
        const T* __restrict left_j = left + offset;
        T* __restrict grad_left_j = grad_left + offset;
        for (int64_t d = 0; d < s.dim; ++d) {
          const T z = left_j[d] + right_i[d];
          const T slope = z > 0 ? T{1} : static_cast<T>(kSlope);
          const T through = grad_score * a[d] * slope;
          grad_left_j[d] += w * g[d] + through;
          grad_right_i[d] += through;
          grad_a[d] += grad_score * z * slope;
        }
      }
    }
  }
}

}  // namespace
}  // namespace unlasting::model

#define UNLASTING_ATTENTION_KERNELS(NAME)                                                   \
  namespace unlasting::model {                                                              \
  AttentionKernels<float> NAME##Float() { return {&Forward<float>, &Backward<float>}; }     \
  AttentionKernels<double> NAME##Double() { return {&Forward<double>, &Backward<double>}; } \
  }
