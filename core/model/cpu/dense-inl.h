// dense-inl.h multiplies with packed weights, for each instruction set. Every output is one chain
// of fused multiply-adds over the depth, whatever the number of rows: BLAS picks another order for
// another shape, and the last bits of a cell would then depend on the other cells of its batch.
#if defined(UNLASTING_CPU_DENSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNLASTING_CPU_DENSE_INL_H_
#undef UNLASTING_CPU_DENSE_INL_H_
#else
#define UNLASTING_CPU_DENSE_INL_H_
#endif

#include <algorithm>

#include "core/model/cpu/kernels.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace unlasting::model::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
using Tag = hn::CappedTag<T, kPad>;

// Rows by vectors of sums stay in registers: 6 x 4 of 32 with AVX-512, 6 x 2 of 16 else.
constexpr int kRowBlock = 6;
#if HWY_TARGET <= HWY_AVX3
constexpr int kColumnVectors = 4;
#else
constexpr int kColumnVectors = 2;
#endif

template <typename T, int kRows, int kVectors>
HWY_INLINE void MultiplyBlock(const MultiplyArguments<T>& s, const T* HWY_RESTRICT a,
                              const T* HWY_RESTRICT b, const T* HWY_RESTRICT bias,
                              T* HWY_RESTRICT c) {
  const Tag<T> d;
  using V = hn::Vec<Tag<T>>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V sum[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      sum[r][v] = s.accumulate      ? hn::LoadU(d, c + r * s.c_stride + v * lanes)
                  : bias != nullptr ? hn::LoadU(d, bias + v * lanes)
                                    : hn::Zero(d);
    }
  }
  for (int64_t k = 0; k < s.depth; ++k, a += s.a_depth_stride, b += s.packed_stride) {
    V weight[kVectors];
    for (int v = 0; v < kVectors; ++v) weight[v] = hn::LoadU(d, b + v * lanes);
    for (int r = 0; r < kRows; ++r) {
      const V x = hn::Set(d, a[r * s.a_stride]);
      for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(x, weight[v], sum[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      hn::StoreU(sum[r][v], d, c + r * s.c_stride + v * lanes);
    }
  }
}

template <typename T, int kRows>
HWY_INLINE void MultiplyRows(const MultiplyArguments<T>& s, const T* a, const T* packed,
                             const T* bias, int64_t columns, T* c) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(Tag<T>()));
  const auto at = [&](int64_t column) { return bias == nullptr ? nullptr : bias + column; };
  int64_t k = 0;
  for (; k + kColumnVectors * lanes <= columns; k += kColumnVectors * lanes) {
    MultiplyBlock<T, kRows, kColumnVectors>(s, a, packed + k, at(k), c + k);
  }
  for (; k < columns; k += lanes) MultiplyBlock<T, kRows, 1>(s, a, packed + k, at(k), c + k);
}

template <typename T>
void Multiply(const MultiplyArguments<T>& s) {
  for (int64_t column = 0; column < s.columns; column += kPanel) {
    const T* b = s.packed + column / kPanel * s.panel_stride;
    const T* bias = s.bias == nullptr ? nullptr : s.bias + column;
    const int64_t width = std::min(kPanel, s.columns - column);
    for (int64_t r = 0; r < s.rows; r += kRowBlock) {
      const T* a = s.a + r * s.a_stride;
      T* c = s.c + r * s.c_stride + column;
      switch (s.rows - r) {
        case 1:
          MultiplyRows<T, 1>(s, a, b, bias, width, c);
          break;
        case 2:
          MultiplyRows<T, 2>(s, a, b, bias, width, c);
          break;
        case 3:
          MultiplyRows<T, 3>(s, a, b, bias, width, c);
          break;
        case 4:
          MultiplyRows<T, 4>(s, a, b, bias, width, c);
          break;
        case 5:
          MultiplyRows<T, 5>(s, a, b, bias, width, c);
          break;
        default:
          MultiplyRows<T, kRowBlock>(s, a, b, bias, width, c);
      }
    }
  }
}

}  // namespace unlasting::model::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
