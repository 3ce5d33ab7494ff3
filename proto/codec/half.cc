#include "proto/codec/half.h"

#include <cmath>
#include <cstring>

namespace unlasting::codec {
namespace {

uint32_t Bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

float FromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// `value` >> `shift`, rounded to nearest, ties to even.
uint32_t ShiftRounded(uint32_t value, int shift) {
  const uint32_t half = 1u << (shift - 1);
  const uint32_t remainder = value & ((1u << shift) - 1);
  uint32_t result = value >> shift;
  if (remainder > half || (remainder == half && (result & 1u) != 0)) ++result;
  return result;
}

constexpr uint32_t kFloatInfinity = 0x7f800000u;

}  // namespace

uint16_t FloatToHalf(float value) {
  const uint32_t bits = Bits(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > kFloatInfinity) return static_cast<uint16_t>(sign | 0x7e00u);
  // 65520 is where rounding to nearest leaves the finite halves.
  if (magnitude >= Bits(65520.0f)) return static_cast<uint16_t>(sign | 0x7c00u);
  const int exponent = static_cast<int>(magnitude >> 23) - 127;
  if (exponent >= -14) {
    // A carry out of the mantissa raises the exponent, which is what rounding up means.
    const uint32_t rebased = magnitude - (static_cast<uint32_t>(127 - 15) << 23);
    return static_cast<uint16_t>(sign | ShiftRounded(rebased, 13));
  }
  if (exponent < -25) return static_cast<uint16_t>(sign);
  const uint32_t mantissa = (magnitude & 0x7fffffu) | 0x800000u;
  return static_cast<uint16_t>(sign | ShiftRounded(mantissa, -exponent - 1));
}

float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0x1f) return FromBits(sign | kFloatInfinity | (mantissa << 13));
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  return FromBits(sign | ((exponent + 127 - 15) << 23) | (mantissa << 13));
}

uint16_t FloatToBfloat16(float value) {
  const uint32_t bits = Bits(value);
  if ((bits & 0x7fffffffu) > kFloatInfinity) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  return static_cast<uint16_t>(sign | ShiftRounded(bits & 0x7fffffffu, 16));
}

float Bfloat16ToFloat(uint16_t bits) { return FromBits(static_cast<uint32_t>(bits) << 16); }

}  // namespace unlasting::codec
