// NumpyRandom draws what numpy's default_rng(seed) draws, so that scores which choose cells or
// folds at random equal those of a Python program with the same seed.
//
// It is PCG64 (XSL-RR, O'Neill 2014) seeded by numpy's SeedSequence. An object is not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

namespace unlasting::evaluate {

class NumpyRandom {
 public:
  explicit NumpyRandom(uint64_t seed);
  // Generator.integers(0, bound) of one number; 0 < bound < 2^32.
  int64_t Below(int64_t bound);
  // Generator.permutation(n): the numbers 0 to n - 1 in random order.
  std::vector<int64_t> Permutation(int64_t n);

 private:
  __extension__ using Wide = unsigned __int128;

  uint64_t Next64();
  uint32_t Next32();                // the low half of a 64-bit draw first, then its high half
  uint32_t UpTo(uint32_t largest);  // 0 to `largest`, both among them

  Wide state_ = 0, increment_ = 0;
  bool has_half_ = false;
  uint32_t half_ = 0;
};

// SeedSequence(seed).generate_state(count), for count <= 8.
std::vector<uint32_t> NumpySeeds(uint64_t seed, int count);

}  // namespace unlasting::evaluate
