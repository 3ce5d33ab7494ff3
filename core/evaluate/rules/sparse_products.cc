#include "core/evaluate/rules/sparse_products.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/evaluate/rules/sparse_products.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once per instruction set.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace unlasting::evaluate::rules {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void Dot(const int32_t* indices, const float* values, size_t count, const float* tile,
         double* dots) {
  const hn::CappedTag<double, kTileRows> d;
  const hn::Rebind<float, decltype(d)> f;
  const size_t lanes = hn::Lanes(d);
  for (int64_t first = 0; first < kTileRows; first += 4 * lanes) {
    auto a = hn::Zero(d), b = hn::Zero(d), c = hn::Zero(d), e = hn::Zero(d);
    const bool two = first + lanes < kTileRows, four = first + 2 * lanes < kTileRows;
    for (size_t k = 0; k < count; ++k) {
      const float* at = tile + indices[k] * kTileRows + first;
      const auto value = hn::Set(d, static_cast<double>(values[k]));
      a = hn::MulAdd(value, hn::PromoteTo(d, hn::LoadU(f, at)), a);
      if (two) b = hn::MulAdd(value, hn::PromoteTo(d, hn::LoadU(f, at + lanes)), b);
      if (!four) continue;
      c = hn::MulAdd(value, hn::PromoteTo(d, hn::LoadU(f, at + 2 * lanes)), c);
      e = hn::MulAdd(value, hn::PromoteTo(d, hn::LoadU(f, at + 3 * lanes)), e);
    }
    hn::StoreU(a, d, dots + first);
    if (two) hn::StoreU(b, d, dots + first + lanes);
    if (!four) continue;
    hn::StoreU(c, d, dots + first + 2 * lanes);
    hn::StoreU(e, d, dots + first + 3 * lanes);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace unlasting::evaluate::rules
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unlasting::evaluate::rules {

HWY_EXPORT(Dot);

void DotWithTile(absl::Span<const int32_t> indices, absl::Span<const float> values,
                 const float* tile, double* dots) {
  HWY_DYNAMIC_DISPATCH(Dot)(indices.data(), values.data(), values.size(), tile, dots);
}

}  // namespace unlasting::evaluate::rules
#endif
