// attend_grad-inl.h computes the derivative of the GATv2 aggregation for each instruction set.
//
// For one target and head, with w the softmax weights, g the gradient of the output over heads and
// s_d = (0.2, or 1 where l_d > -r_d) the slope of leaky:
//   gs_j   = w_j (<g, l_j> - sum_k w_k <g, l_k>)        gradient of the scores; sums to 0 over j
//   dl_j  += w_j g + gs_j a s_j
//   dr     = a sum_j gs_j s_j = 0.8 a sum_j gs_j [l_j > -r]
//   da    += sum_j gs_j leaky(l_j + r) = sum_j gs_j (0.2 l_j + 0.8 max(l_j, -r))
#if defined(UNLASTING_CPU_ATTEND_GRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNLASTING_CPU_ATTEND_GRAD_INL_H_
#undef UNLASTING_CPU_ATTEND_GRAD_INL_H_
#else
#define UNLASTING_CPU_ATTEND_GRAD_INL_H_
#endif

#include "core/model/cpu/attend-inl.h"
#include "core/model/cpu/kernels.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace unlasting::model::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// products[e] = <x, left_j> for the edges of one target.
template <typename T>
HWY_INLINE void DotEdges(const T* HWY_RESTRICT left, int64_t stride, int64_t dim,
                         const int32_t* HWY_RESTRICT sources, int64_t degree,
                         const T* HWY_RESTRICT x, T* HWY_RESTRICT products) {
  const hn::CappedTag<T, kPad> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t last = degree - 1;
  for (int64_t e = 0; e < degree; e += 4) {
    const T* HWY_RESTRICT l0 = left + sources[e] * stride;
    const T* HWY_RESTRICT l1 = left + sources[std::min(e + 1, last)] * stride;
    const T* HWY_RESTRICT l2 = left + sources[std::min(e + 2, last)] * stride;
    const T* HWY_RESTRICT l3 = left + sources[std::min(e + 3, last)] * stride;
    auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    for (int64_t k = 0; k < dim; k += lanes) {
      const auto v = hn::LoadU(d, x + k);
      s0 = hn::MulAdd(v, hn::LoadU(d, l0 + k), s0);
      s1 = hn::MulAdd(v, hn::LoadU(d, l1 + k), s1);
      s2 = hn::MulAdd(v, hn::LoadU(d, l2 + k), s2);
      s3 = hn::MulAdd(v, hn::LoadU(d, l3 + k), s3);
    }
    StoreFourSums(d, s0, s1, s2, s3, products + e);
  }
}

// kVectors vectors from `from` on; all per-dimension sums stay in registers over the edges.
template <typename T, int kVectors>
HWY_INLINE void SpreadEdges(const AttendGradArguments<T>& s, const int32_t* HWY_RESTRICT sources,
                            int64_t degree, int64_t head, int64_t from, const T* HWY_RESTRICT g,
                            const T* HWY_RESTRICT right, const T* HWY_RESTRICT weights,
                            const T* HWY_RESTRICT grad_scores, T* HWY_RESTRICT grad_right) {
  const hn::CappedTag<T, kPad> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t stride = s.heads * s.dim, place = head * s.dim + from;
  const V low = hn::Set(d, static_cast<T>(0.2)), high = hn::Set(d, static_cast<T>(0.8));
  V r[kVectors], a[kVectors], out[kVectors], above[kVectors], grad_a[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    r[v] = hn::LoadU(d, right + from + v * lanes);
    a[v] = hn::LoadU(d, s.attention + place + v * lanes);
    out[v] = hn::LoadU(d, g + from + v * lanes);
    above[v] = hn::Zero(d);
    grad_a[v] = hn::Zero(d);
  }
  for (int64_t e = 0; e < degree; ++e) {
    const T* HWY_RESTRICT l = s.left + sources[e] * stride + place;
    T* HWY_RESTRICT grad_l = s.grad_left + sources[e] * stride + place;
    const V w = hn::Set(d, weights[e]), gs = hn::Set(d, grad_scores[e]);
    for (int v = 0; v < kVectors; ++v) {
      const V x = hn::LoadU(d, l + v * lanes);
      const auto is_above = hn::Gt(x, r[v]);
      above[v] = hn::Add(above[v], hn::IfThenElseZero(is_above, gs));
      grad_a[v] = hn::MulAdd(gs, hn::MulAdd(high, hn::Max(x, r[v]), hn::Mul(low, x)), grad_a[v]);
      V grad = hn::MulAdd(w, out[v], hn::LoadU(d, grad_l + v * lanes));
      const V sloped = hn::IfThenElse(is_above, a[v], hn::Mul(low, a[v]));
      hn::StoreU(hn::MulAdd(gs, sloped, grad), d, grad_l + v * lanes);
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    hn::StoreU(hn::Mul(hn::Mul(high, a[v]), above[v]), d, grad_right + from + v * lanes);
    T* grad_attention = s.grad_attention + place + v * lanes;
    hn::StoreU(hn::Add(hn::LoadU(d, grad_attention), grad_a[v]), d, grad_attention);
  }
}

template <typename T>
void AttendGrad(const AttendGradArguments<T>& s, int64_t first, int64_t last) {
  const hn::CappedTag<T, kPad> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t stride = s.heads * s.dim;
  const T share = T{1} / static_cast<T>(s.heads);
  AttendArguments<T> forward;
  forward.graph = s.graph;
  forward.heads = s.heads;
  forward.dim = s.dim;
  forward.left = s.left;
  forward.left_score = s.left_score;
  forward.attention_scaled = s.attention_scaled;
  for (int64_t i = first; i < last; ++i) {
    const int64_t begin = s.graph.indptr[i], degree = s.graph.indptr[i + 1] - begin;
    const int32_t* HWY_RESTRICT sources = s.graph.sources + begin;
    const T* g = s.grad_out + (i - first) * s.dim;
    T* weights = s.scores;
    T* grad_scores = s.scores + Padded(degree);
    for (int64_t h = 0; h < s.heads; ++h) {
      const T* right = s.right_negated + (i - first) * stride + h * s.dim;
      T* grad_right = s.grad_right + (i - first) * stride + h * s.dim;
      if (degree == 0) {
        std::fill(grad_right, grad_right + s.dim, T{0});
        continue;
      }
      ScoreEdges<T, 0>(forward, sources, degree, h, right, weights);
      // Weights over heads, as the mean over heads takes them.
      Weigh(degree, s.heads, weights);
      DotEdges(s.left + h * s.dim, stride, s.dim, sources, degree, g, grad_scores);
      T mean = 0;
      for (int64_t e = 0; e < degree; ++e) mean += weights[e] * grad_scores[e];
      mean /= share;
      for (int64_t e = 0; e < degree; ++e) grad_scores[e] = weights[e] * (grad_scores[e] - mean);
      int64_t from = 0;
      for (; from + 4 * lanes <= s.dim; from += 4 * lanes) {
        SpreadEdges<T, 4>(s, sources, degree, h, from, g, right, weights, grad_scores, grad_right);
      }
      for (; from < s.dim; from += lanes) {
        SpreadEdges<T, 1>(s, sources, degree, h, from, g, right, weights, grad_scores, grad_right);
      }
    }
  }
}

}  // namespace unlasting::model::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
