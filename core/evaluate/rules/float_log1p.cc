#include "core/evaluate/rules/float_log1p.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace unlasting::evaluate::rules {
namespace {

constexpr int32_t kTwoThirds = 0x3f2aaaab;  // bits of 2/3, the least mantissa after reduction
constexpr int32_t kOne = 0x3f800000;        // bits of 1
constexpr int32_t kMaxShrink = 100;         // 2^-100 of the rest is nothing
constexpr float kLn2 = 0.693147182f;

// (ln(1 + r) - r) / r^2 for |r| <= 1/3, lowest power first. Fitted to logarithms that numpy 2.4
// gives, so that the results round as its own do; the exact series has 1/3, -1/4, 1/5 and so on.
constexpr float kSeries[] = {-0.5f,         0.33333266f,  -0.25004238f, 0.20007928f,
                             -0.164723426f, 0.140421525f, -0.15122014f, 0.138210773f};

int32_t BitsOf(float value) {
  int32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

float FromBits(int32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// a b + c, rounded to float32 at the end: the product of two float32 values is exact in float64.
float MultiplyAdd(float a, float b, float c) {
  return static_cast<float>(static_cast<double>(a) * static_cast<double>(b) +
                            static_cast<double>(c));
}

}  // namespace

float FloatLog1p(float x) {
  // 1 + x as an unevaluated sum, which is 2^exponent (1 + r).
  const float larger = std::max(x, 1.0f), smaller = std::min(x, 1.0f);
  const float sum = larger + smaller;
  const float rest = (larger - sum) + smaller;
  const int32_t offset = BitsOf(sum) - kTwoThirds;
  const int32_t exponent = offset >> 23;
  const float mantissa = FromBits((offset & 0x7fffff) + kTwoThirds);
  const float shrink = FromBits(kOne - std::min(exponent, kMaxShrink) * (1 << 23));
  const float r = (mantissa - 1.0f) + rest * shrink;
  float series = kSeries[7];
  for (int k = 6; k >= 0; --k) series = MultiplyAdd(series, r, kSeries[k]);
  return MultiplyAdd(static_cast<float>(exponent), kLn2, MultiplyAdd(series * r, r, r));
}

}  // namespace unlasting::evaluate::rules
