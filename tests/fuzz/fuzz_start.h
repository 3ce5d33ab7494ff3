// StartFrom is what a fuzz target's mutator does before it mutates: now and then it takes one of a
// few sound inputs, so that mutations begin from something that reaches deep.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace unlasting::test {

// Returns the size of `data` afterwards, at most `most`. `sound` holds one input or more.
inline size_t StartFrom(const std::vector<std::string>& sound, uint8_t* data, size_t size,
                        size_t most, unsigned seed) {
  const std::string& start = sound[seed / 32 % sound.size()];
  if (seed % 32 != 0 || start.size() > most) return size;
  std::memcpy(data, start.data(), start.size());
  return start.size();
}

}  // namespace unlasting::test
