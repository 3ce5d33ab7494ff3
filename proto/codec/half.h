// The half codec converts between float32 and the two 16-bit float formats of
// unlasting.v1.ElementType, and rounds to nearest even. Stateless; any thread.
#pragma once

#include <cstdint>

namespace unlasting::codec {

// IEEE 754 binary16. Values beyond 65504 become infinity, NaN stays NaN.
uint16_t FloatToHalf(float value);
float HalfToFloat(uint16_t bits);

// The upper half of binary32.
uint16_t FloatToBfloat16(float value);
float Bfloat16ToFloat(uint16_t bits);

}  // namespace unlasting::codec
