// CheckVector and Cosine serve the vectors that callers give for molecules and treatments. Private
// to core/predict/query. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace unlasting::predict {

// INVALID_ARGUMENT, after `field`, unless there are `expected` values, all finite and not all zero;
// the reason is EMBEDDING_LENGTH or INVALID_VALUE.
absl::Status CheckVector(const std::string& field, const std::vector<float>& vector,
                         int64_t expected);

// In [-1, 1]; 0 where one of them is zero. Of vectors that differ in length the common part counts.
double Cosine(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace unlasting::predict
