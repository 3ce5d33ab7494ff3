// control_profile.h compares the control cells of a caller with those of a bundle gene by gene: it
// finds cells of which a part of the genes is on another scale, which their sums may hide.
// Stateless; any thread. Private to core/predict/query.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/matrix.h"
#include "core/bundle/bundle.h"

namespace unlasting::predict {

// A note in words where more than a fifth of the genes whose means can be told apart differ
// twofold or more from the bundle's panel cells of the same types, once the cells as a whole are
// brought to the panel's size; "" otherwise and for fewer cells than a mean needs. `values`
// [cells, N] are log1p on the bundle's scale, `cell_types` has one of the bundle's types per cell,
// and `missing` are the genes that were filled in.
std::string NoteOnProfile(const bundle::Bundle& bundle, const CsrMatrix& values,
                          const std::vector<int32_t>& cell_types,
                          const std::vector<size_t>& missing);

}  // namespace unlasting::predict
