// DotWithTile multiplies one sparse row by many dense ones at once, in the widest vectors that the
// processor has.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

namespace unlasting::evaluate::rules {

constexpr int64_t kTileRows = 16;

// dots[k] = sum over g of row[g] * tile[g * kTileRows + k], summed in double. `tile` is
// [genes, kTileRows].
void DotWithTile(absl::Span<const int32_t> indices, absl::Span<const float> values,
                 const float* tile, double* dots);

}  // namespace unlasting::evaluate::rules
