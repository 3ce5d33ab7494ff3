#include "core/evaluate/numpy_random.h"

#include <array>
#include <cstddef>
#include <numeric>
#include <utility>

namespace unlasting::evaluate {
namespace {

// numpy's SeedSequence with a pool of four words (Johnson's hash), for a seed without a spawn key.
class SeedSequence {
 public:
  explicit SeedSequence(uint64_t seed) {
    const uint32_t entropy[2] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
    uint32_t constant = 0x43b0d7e5u;
    const auto hash = [&constant](uint32_t value) {
      value ^= constant;
      constant *= 0x931e8875u;
      value *= constant;
      return value ^ (value >> 16);
    };
    for (std::size_t k = 0; k < pool_.size(); ++k) pool_[k] = hash(k < 2 ? entropy[k] : 0);
    for (std::size_t from = 0; from < pool_.size(); ++from) {
      for (std::size_t to = 0; to < pool_.size(); ++to) {
        if (from == to) continue;
        const uint32_t mixed = 0xca01f9ddu * pool_[to] - 0x4973f715u * hash(pool_[from]);
        pool_[to] = mixed ^ (mixed >> 16);
      }
    }
  }

  std::array<uint32_t, 8> State() const {
    uint32_t constant = 0x8b51f9ddu;
    std::array<uint32_t, 8> state = {};
    for (std::size_t k = 0; k < 8; ++k) {
      uint32_t value = pool_[k % 4] ^ constant;
      constant *= 0x58f38dedu;
      value *= constant;
      state[k] = value ^ (value >> 16);
    }
    return state;
  }

 private:
  std::array<uint32_t, 4> pool_ = {};
};

}  // namespace

NumpyRandom::NumpyRandom(uint64_t seed) {
  const auto halves = SeedSequence(seed).State();
  std::array<uint64_t, 4> words;
  for (std::size_t k = 0; k < words.size(); ++k) {
    words[k] = halves[2 * k] | static_cast<uint64_t>(halves[2 * k + 1]) << 32;
  }
  const Wide initial = (static_cast<Wide>(words[0]) << 64) | words[1];
  const Wide sequence = (static_cast<Wide>(words[2]) << 64) | words[3];
  increment_ = (sequence << 1) | 1;
  Next64();
  state_ += initial;
  Next64();
}

uint64_t NumpyRandom::Next64() {
  constexpr Wide kMultiplier =
      (static_cast<Wide>(2549297995355413924ull) << 64) | 4865540595714422341ull;
  state_ = state_ * kMultiplier + increment_;
  const uint64_t folded = static_cast<uint64_t>(state_ >> 64) ^ static_cast<uint64_t>(state_);
  const auto rotation = static_cast<unsigned>(state_ >> 122);
  return (folded >> rotation) | (folded << ((64 - rotation) & 63));
}

uint32_t NumpyRandom::Next32() {
  if (has_half_) {
    has_half_ = false;
    return half_;
  }
  const uint64_t drawn = Next64();
  has_half_ = true;
  half_ = static_cast<uint32_t>(drawn >> 32);
  return static_cast<uint32_t>(drawn);
}

// Lemire's method: the high half of a product, redrawn where the low half would bias it.
int64_t NumpyRandom::Below(int64_t bound) {
  if (bound == 1) return 0;
  const auto range = static_cast<uint32_t>(bound);
  uint64_t product = static_cast<uint64_t>(Next32()) * range;
  const uint32_t threshold = (0u - range) % range;
  while (static_cast<uint32_t>(product) < threshold) {
    product = static_cast<uint64_t>(Next32()) * range;
  }
  return static_cast<int64_t>(product >> 32);
}

std::vector<uint32_t> NumpySeeds(uint64_t seed, int count) {
  const auto state = SeedSequence(seed).State();
  return {state.begin(), state.begin() + count};
}

// Draws as many bits as `largest` has until they are not above it.
uint32_t NumpyRandom::UpTo(uint32_t largest) {
  uint32_t mask = largest;
  for (const int shift : {1, 2, 4, 8, 16}) mask |= mask >> shift;
  uint32_t drawn = Next32() & mask;
  while (drawn > largest) drawn = Next32() & mask;
  return drawn;
}

std::vector<int64_t> NumpyRandom::Permutation(int64_t n) {
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  for (int64_t k = n - 1; k > 0; --k) {
    std::swap(order[k], order[UpTo(static_cast<uint32_t>(k))]);
  }
  return order;
}

}  // namespace unlasting::evaluate
