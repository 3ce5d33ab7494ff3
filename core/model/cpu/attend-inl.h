// attend-inl.h computes the GATv2 aggregation for each instruction set; kernels.h has the formula.
#if defined(UNLASTING_CPU_ATTEND_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNLASTING_CPU_ATTEND_INL_H_
#undef UNLASTING_CPU_ATTEND_INL_H_
#else
#define UNLASTING_CPU_ATTEND_INL_H_
#endif

#include <algorithm>

#include "core/model/cpu/kernels.h"
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace unlasting::model::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sums of four vectors as the first four lanes of a 128-bit block.
#if HWY_TARGET != HWY_SCALAR
template <class D, class V>
HWY_INLINE void StoreFourSums(D d, V a, V b, V c, V e, float* HWY_RESTRICT out) {
  // Neighbouring lanes, then neighbouring pairs: each block ends as (a, b, c, e).
  const V ab = hn::Add(hn::OddEven(b, a), hn::Shuffle2301(hn::OddEven(a, b)));
  const V ce = hn::Add(hn::OddEven(e, c), hn::Shuffle2301(hn::OddEven(c, e)));
  const hn::RepartitionToWide<D> d64;
  const auto ab64 = hn::BitCast(d64, ab), ce64 = hn::BitCast(d64, ce);
  const V low = hn::BitCast(d, hn::OddEven(ce64, ab64));
  const V high = hn::BitCast(d, hn::Shuffle01(hn::OddEven(ab64, ce64)));
  const V blocks = hn::Add(low, high);
  const hn::FixedTag<float, 4> d4;
  if constexpr (hn::MaxLanes(D()) == 16) {
    const hn::Half<D> half;
    const hn::Half<decltype(half)> quarter;
    const auto sum8 = hn::Add(hn::LowerHalf(half, blocks), hn::UpperHalf(half, blocks));
    hn::StoreU(hn::Add(hn::LowerHalf(quarter, sum8), hn::UpperHalf(quarter, sum8)), d4, out);
  } else if constexpr (hn::MaxLanes(D()) == 8) {
    const hn::Half<D> half;
    hn::StoreU(hn::Add(hn::LowerHalf(half, blocks), hn::UpperHalf(half, blocks)), d4, out);
  } else {
    hn::StoreU(blocks, d4, out);
  }
}
#else
template <class D, class V>
HWY_INLINE void StoreFourSums(D, V a, V b, V c, V e, float* HWY_RESTRICT out) {
  out[0] = hn::GetLane(a);
  out[1] = hn::GetLane(b);
  out[2] = hn::GetLane(c);
  out[3] = hn::GetLane(e);
}
#endif
template <class D, class V>
HWY_INLINE void StoreFourSums(D d, V a, V b, V c, V e, double* HWY_RESTRICT out) {
  out[0] = hn::GetLane(hn::SumOfLanes(d, a));
  out[1] = hn::GetLane(hn::SumOfLanes(d, b));
  out[2] = hn::GetLane(hn::SumOfLanes(d, c));
  out[3] = hn::GetLane(hn::SumOfLanes(d, e));
}

// Scores of one head of one target. kVectors vectors cover the embedding; 0: any number, at run
// time.
template <typename T, int kVectors>
HWY_INLINE void ScoreEdges(const AttendArguments<T>& s, const int32_t* HWY_RESTRICT sources,
                           int64_t degree, int64_t head, const T* HWY_RESTRICT right,
                           T* HWY_RESTRICT scores) {
  const hn::CappedTag<T, kPad> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t vectors = kVectors > 0 ? kVectors : s.dim / lanes;
  const int64_t stride = s.heads * s.dim;
  const T* HWY_RESTRICT left = s.left + head * s.dim;
  const T* HWY_RESTRICT left_score = s.left_score + head;
  const T* HWY_RESTRICT a = s.attention_scaled + head * s.dim;
  // Both sides of the products stay in registers where there are enough.
  constexpr bool kHeld = kVectors > 0 && kVectors <= 4 && HWY_TARGET <= HWY_AVX3;
  V held_right[kHeld ? kVectors : 1], held_a[kHeld ? kVectors : 1];
  if constexpr (kHeld) {
    for (int v = 0; v < kVectors; ++v) {
      held_right[v] = hn::LoadU(d, right + v * lanes);
      held_a[v] = hn::LoadU(d, a + v * lanes);
    }
  }
  const int64_t last = degree - 1;
  for (int64_t e = 0; e < degree; e += 4) {
    // The last group repeats its last edge; scores is large enough for it.
    const int64_t j0 = sources[e], j1 = sources[std::min(e + 1, last)];
    const int64_t j2 = sources[std::min(e + 2, last)], j3 = sources[std::min(e + 3, last)];
    const T* HWY_RESTRICT l0 = left + j0 * stride;
    const T* HWY_RESTRICT l1 = left + j1 * stride;
    const T* HWY_RESTRICT l2 = left + j2 * stride;
    const T* HWY_RESTRICT l3 = left + j3 * stride;
    V s0 = hn::Zero(d);
    V s1 = s0;
    V s2 = s0;
    V s3 = s0;
    for (int64_t v = 0; v < vectors; ++v) {
      V r, w;
      if constexpr (kHeld) {
        r = held_right[v];
        w = held_a[v];
      } else {
        r = hn::LoadU(d, right + v * lanes);
        w = hn::LoadU(d, a + v * lanes);
      }
      s0 = hn::MulAdd(w, hn::Max(hn::LoadU(d, l0 + v * lanes), r), s0);
      s1 = hn::MulAdd(w, hn::Max(hn::LoadU(d, l1 + v * lanes), r), s1);
      s2 = hn::MulAdd(w, hn::Max(hn::LoadU(d, l2 + v * lanes), r), s2);
      s3 = hn::MulAdd(w, hn::Max(hn::LoadU(d, l3 + v * lanes), r), s3);
    }
    StoreFourSums(d, s0, s1, s2, s3, scores + e);
  }
  for (int64_t e = 0; e < degree; ++e) scores[e] += left_score[sources[e] * s.heads];
}

// Softmax times 1 / heads, in place.
template <typename T>
HWY_INLINE void Weigh(int64_t degree, int64_t heads, T* HWY_RESTRICT scores) {
  const hn::CappedTag<T, kPad> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t padded = Padded(degree, lanes);
  for (int64_t e = degree; e < padded; ++e) scores[e] = T{-1e30};
  auto peak = hn::LoadU(d, scores);
  for (int64_t e = lanes; e < padded; e += lanes) peak = hn::Max(peak, hn::LoadU(d, scores + e));
  peak = hn::MaxOfLanes(d, peak);
  auto total = hn::Zero(d);
  for (int64_t e = 0; e < padded; e += lanes) {
    const auto w = hn::Exp(d, hn::Sub(hn::LoadU(d, scores + e), peak));
    hn::StoreU(w, d, scores + e);
    total = hn::Add(total, w);
  }
  const auto scale =
      hn::Set(d, T{1} / (hn::GetLane(hn::SumOfLanes(d, total)) * static_cast<T>(heads)));
  for (int64_t e = 0; e < padded; e += lanes) {
    hn::StoreU(hn::Mul(hn::LoadU(d, scores + e), scale), d, scores + e);
  }
}

// out = bias + (residual) + sum over heads and edges of weight times left.
template <typename T, int kVectors>
HWY_INLINE void Aggregate(const AttendArguments<T>& s, const int32_t* HWY_RESTRICT sources,
                          int64_t degree, int64_t scores_stride, T* out) {
  const hn::CappedTag<T, kPad> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t stride = s.heads * s.dim;
  const auto start = [&](int64_t k) {
    const V bias = hn::LoadU(d, s.bias + k);
    return s.residual ? hn::Add(bias, hn::LoadU(d, out + k)) : bias;
  };
  if constexpr (kVectors > 0) {
    V sum[kVectors];
    for (int v = 0; v < kVectors; ++v) sum[v] = start(v * lanes);
    for (int64_t e = 0; e < degree; ++e) {
      const T* HWY_RESTRICT l = s.left + sources[e] * stride;
      for (int64_t h = 0; h < s.heads; ++h, l += s.dim) {
        const V w = hn::Set(d, s.scores[h * scores_stride + e]);
        for (int v = 0; v < kVectors; ++v) {
          sum[v] = hn::MulAdd(w, hn::LoadU(d, l + v * lanes), sum[v]);
        }
      }
    }
    for (int v = 0; v < kVectors; ++v) hn::StoreU(sum[v], d, out + v * lanes);
  } else {
    for (int64_t k = 0; k < s.dim; k += lanes) {
      V sum = start(k);
      for (int64_t e = 0; e < degree; ++e) {
        const T* HWY_RESTRICT l = s.left + sources[e] * stride + k;
        for (int64_t h = 0; h < s.heads; ++h) {
          const V w = hn::Set(d, s.scores[h * scores_stride + e]);
          sum = hn::MulAdd(w, hn::LoadU(d, l + h * s.dim), sum);
        }
      }
      hn::StoreU(sum, d, out + k);
    }
  }
}

template <typename T, int kVectors>
HWY_NOINLINE void AttendTargets(const AttendArguments<T>& s, int64_t first, int64_t last) {
  const int64_t stride = s.heads * s.dim;
  for (int64_t i = first; i < last; ++i) {
    const int64_t begin = s.graph.indptr[i], degree = s.graph.indptr[i + 1] - begin;
    const int32_t* HWY_RESTRICT sources = s.graph.sources + begin;
    const T* right = s.right_negated + (i - first) * stride;
    const int64_t scores_stride = Padded(degree);
    for (int64_t h = 0; h < s.heads && degree > 0; ++h) {
      T* scores = s.scores + h * scores_stride;
      ScoreEdges<T, kVectors>(s, sources, degree, h, right + h * s.dim, scores);
      Weigh(degree, s.heads, scores);
    }
    if (s.dense_weights == nullptr) {
      Aggregate<T, kVectors>(s, sources, degree, scores_stride, s.out + (i - first) * s.dim);
      continue;
    }
    for (int64_t h = 0; h < s.heads; ++h) {
      T* row = s.dense_weights + (h * (last - first) + i - first) * s.nodes;
      for (int64_t e = 0; e < degree; ++e) row[sources[e]] += s.scores[h * scores_stride + e];
    }
  }
}

template <typename T>
void Attend(const AttendArguments<T>& s, int64_t first, int64_t last) {
  const hn::CappedTag<T, kPad> d;
  switch (s.dim / static_cast<int64_t>(hn::Lanes(d))) {
    case 1:
      return AttendTargets<T, 1>(s, first, last);
    case 2:
      return AttendTargets<T, 2>(s, first, last);
    case 4:
      return AttendTargets<T, 4>(s, first, last);
    case 8:
      return AttendTargets<T, 8>(s, first, last);
    default:
      return AttendTargets<T, 0>(s, first, last);
  }
}

}  // namespace unlasting::model::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
