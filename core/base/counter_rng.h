// counter_rng.h makes standard normal numbers that depend on their place alone, the same on host
// and device. A row's noise at a step needs no state, and does not depend on the other rows of its
// batch.
#pragma once

#include <math.h>

#include <cstdint>

#if defined(__CUDACC__)
#define UNLASTING_NOISE __host__ __device__ inline
#else
#define UNLASTING_NOISE inline
#endif

namespace unlasting::diffusion {

// SplitMix64's finaliser: every bit of the result depends on every bit of the place.
UNLASTING_NOISE uint64_t MixBits(uint64_t bits) {
  bits += 0x9e3779b97f4a7c15ull;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ull;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebull;
  return bits ^ (bits >> 31);
}

// The key of a row's step, for StandardNormal.
UNLASTING_NOISE uint64_t StepKey(uint64_t row_key, uint64_t step) {
  return MixBits(row_key ^ MixBits(step));
}

// Box and Muller's, of 32 bits each; within +-6.7.
UNLASTING_NOISE float StandardNormal(uint64_t step_key, uint64_t gene) {
  const uint64_t bits = MixBits(step_key + 0x632be59bd9b4e019ull * gene);
  const float scale = 1.0f / 4294967296.0f;
  // Above 0, so that the logarithm is finite.
  const float u = (static_cast<float>(static_cast<uint32_t>(bits >> 32)) + 0.5f) * scale;
  const float v = static_cast<float>(static_cast<uint32_t>(bits)) * scale;
  return sqrtf(-2.0f * logf(u < 1.0f ? u : 1.0f)) * cosf(6.283185307f * v);
}

}  // namespace unlasting::diffusion
