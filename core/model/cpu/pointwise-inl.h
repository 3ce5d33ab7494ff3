// pointwise-inl.h computes what concerns one node or one value at a time, for each instruction set.
#if defined(UNLASTING_CPU_POINTWISE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNLASTING_CPU_POINTWISE_INL_H_
#undef UNLASTING_CPU_POINTWISE_INL_H_
#else
#define UNLASTING_CPU_POINTWISE_INL_H_
#endif

#include <cmath>

#include "core/model/cpu/kernels.h"
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace unlasting::model::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
void Silu(T* HWY_RESTRICT x, int64_t count) {
  const hn::CappedTag<T, kPad> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto one = hn::Set(d, T{1});
  // Exp is not defined above this; silu is 0 to the last digit long before.
  const auto most = hn::Set(d, static_cast<T>(80));
  for (int64_t k = 0; k < count; k += lanes) {
    const auto v = hn::LoadU(d, x + k);
    hn::StoreU(hn::Div(v, hn::Add(one, hn::Exp(d, hn::Min(hn::Neg(v), most)))), d, x + k);
  }
}

template <typename T>
void SiluGrad(const T* HWY_RESTRICT x, const T* HWY_RESTRICT grad, int64_t count,
              T* HWY_RESTRICT y) {
  const hn::CappedTag<T, kPad> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto one = hn::Set(d, T{1});
  const auto most = hn::Set(d, static_cast<T>(80));
  for (int64_t k = 0; k < count; k += lanes) {
    const auto v = hn::LoadU(d, x + k);
    const auto s = hn::Div(one, hn::Add(one, hn::Exp(d, hn::Min(hn::Neg(v), most))));
    // s (1 + x (1 - s))
    const auto slope = hn::Mul(s, hn::MulAdd(v, hn::Sub(one, s), one));
    hn::StoreU(hn::Mul(hn::LoadU(d, grad + k), slope), d, y + k);
  }
}

// Mean and 1 / deviation of a row whose columns from `dim` to `stride` are 0.
template <typename T>
HWY_INLINE void RowStatistics(const T* HWY_RESTRICT x, int64_t dim, int64_t stride, T* mean,
                              T* scale) {
  const hn::CappedTag<T, kPad> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const T share = T{1} / static_cast<T>(dim);
  auto sum = hn::Zero(d);
  for (int64_t k = 0; k < stride; k += lanes) sum = hn::Add(sum, hn::LoadU(d, x + k));
  *mean = hn::GetLane(hn::SumOfLanes(d, sum)) * share;
  const auto m = hn::Set(d, *mean);
  auto squares = hn::Zero(d);
  for (int64_t k = 0; k < stride; k += lanes) {
    const auto centred = hn::Sub(hn::LoadU(d, x + k), m);
    squares = hn::MulAdd(centred, centred, squares);
  }
  // Padding was counted as mean^2 each.
  const T padding = static_cast<T>(stride - dim) * *mean * *mean;
  const T variance = (hn::GetLane(hn::SumOfLanes(d, squares)) - padding) * share;
  *scale = T{1} / std::sqrt(std::max(variance, T{0}) + static_cast<T>(1e-5));
}

template <typename T>
void LayerNorm(const T* HWY_RESTRICT x, int64_t rows, int64_t dim, int64_t stride,
               const T* HWY_RESTRICT weight, const T* HWY_RESTRICT bias, T* HWY_RESTRICT out) {
  const hn::CappedTag<T, kPad> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t r = 0; r < rows; ++r, x += stride, out += stride) {
    T mean, scale;
    RowStatistics(x, dim, stride, &mean, &scale);
    const auto m = hn::Set(d, mean), c = hn::Set(d, scale);
    for (int64_t k = 0; k < stride; k += lanes) {
      const auto normal = hn::Mul(hn::Sub(hn::LoadU(d, x + k), m), c);
      hn::StoreU(hn::MulAdd(normal, hn::LoadU(d, weight + k), hn::LoadU(d, bias + k)), d, out + k);
    }
  }
}

template <typename T>
void LayerNormGrad(const T* HWY_RESTRICT x, int64_t rows, int64_t dim, int64_t stride,
                   const T* HWY_RESTRICT weight, const T* HWY_RESTRICT grad, T* HWY_RESTRICT grad_x,
                   T* HWY_RESTRICT grad_weight, T* HWY_RESTRICT grad_bias) {
  const hn::CappedTag<T, kPad> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const T share = T{1} / static_cast<T>(dim);
  for (int64_t r = 0; r < rows; ++r, x += stride, grad += stride, grad_x += stride) {
    T mean, scale;
    RowStatistics(x, dim, stride, &mean, &scale);
    const auto m = hn::Set(d, mean), c = hn::Set(d, scale);
    // With n the normalised row and q = grad * weight: scale (q - mean(q) - n mean(q n)). Padding
    // adds nothing to the sums, for there grad and weight are 0.
    auto sum = hn::Zero(d), product = sum;
    for (int64_t k = 0; k < stride; k += lanes) {
      const auto g = hn::LoadU(d, grad + k);
      const auto normal = hn::Mul(hn::Sub(hn::LoadU(d, x + k), m), c);
      const auto q = hn::Mul(g, hn::LoadU(d, weight + k));
      sum = hn::Add(sum, q);
      product = hn::MulAdd(q, normal, product);
      hn::StoreU(hn::MulAdd(g, normal, hn::LoadU(d, grad_weight + k)), d, grad_weight + k);
      hn::StoreU(hn::Add(g, hn::LoadU(d, grad_bias + k)), d, grad_bias + k);
    }
    const auto mean_q = hn::Set(d, hn::GetLane(hn::SumOfLanes(d, sum)) * share);
    const auto mean_qn = hn::Set(d, hn::GetLane(hn::SumOfLanes(d, product)) * share);
    for (int64_t k = 0; k < stride; k += lanes) {
      const auto normal = hn::Mul(hn::Sub(hn::LoadU(d, x + k), m), c);
      const auto q = hn::Mul(hn::LoadU(d, grad + k), hn::LoadU(d, weight + k));
      hn::StoreU(hn::Mul(c, hn::Sub(hn::Sub(q, mean_q), hn::Mul(normal, mean_qn))), d, grad_x + k);
    }
  }
}

template <typename T>
int64_t AddPsi(const PsiGrid<T>& grid, const T* HWY_RESTRICT x, int64_t rows, T* HWY_RESTRICT out,
               int32_t* HWY_RESTRICT outside) {
  const hn::CappedTag<T, kPad> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t missed = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const T place = (x[r] - grid.low) * grid.inverse_step;
    // Written so that NaN is outside too.
    if (!(place >= 0 && place < static_cast<T>(grid.rows - 1))) {
      outside[missed++] = static_cast<int32_t>(r);
      continue;
    }
    const auto cell = static_cast<int64_t>(place);
    const T s = place - static_cast<T>(cell);
    const T s2 = s * s, s3 = s2 * s;
    const auto h01 = hn::Set(d, T{3} * s2 - T{2} * s3);
    const auto h00 = hn::Set(d, T{1} - (T{3} * s2 - T{2} * s3));
    const auto h10 = hn::Set(d, s3 - T{2} * s2 + s);
    const auto h11 = hn::Set(d, s3 - s2);
    const T* HWY_RESTRICT v = grid.values + cell * 2 * grid.dim;
    T* HWY_RESTRICT y = out + r * grid.dim;
    for (int64_t k = 0; k < grid.dim; k += lanes) {
      auto sum = hn::LoadU(d, y + k);
      sum = hn::MulAdd(h00, hn::LoadU(d, v + k), sum);
      sum = hn::MulAdd(h10, hn::LoadU(d, v + grid.dim + k), sum);
      sum = hn::MulAdd(h01, hn::LoadU(d, v + 2 * grid.dim + k), sum);
      sum = hn::MulAdd(h11, hn::LoadU(d, v + 3 * grid.dim + k), sum);
      hn::StoreU(sum, d, y + k);
    }
  }
  return missed;
}

template <typename T>
void DotRows(const T* HWY_RESTRICT x, int64_t rows, int64_t count, int64_t dim,
             const T* HWY_RESTRICT a, T* HWY_RESTRICT out) {
  const hn::CappedTag<T, kPad> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t h = 0; h < count; ++h, x += dim) {
      auto sum = hn::Zero(d);
      for (int64_t k = 0; k < dim; k += lanes) {
        sum = hn::MulAdd(hn::LoadU(d, x + k), hn::LoadU(d, a + h * dim + k), sum);
      }
      *out++ = hn::GetLane(hn::SumOfLanes(d, sum));
    }
  }
}

}  // namespace unlasting::model::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
