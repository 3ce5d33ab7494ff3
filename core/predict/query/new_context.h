// new_context.h resolves control cells of a cell type that training never saw for one bundle: it
// places them among the training's cell types by their mean profile. Stateless; any thread. Private
// to core/predict/query.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/base/matrix.h"
#include "core/bundle/bundle.h"
#include "core/cells/control_matrix.h"
#include "core/model/spec/new_context.h"

namespace unlasting::predict {

// The fewest cells whose mean profile says where a context lies.
inline constexpr int64_t kMinContextCells = 30;

// Refuses a `controls.new_context` that is a cell type of the bundle (KNOWN_CELL_TYPE), has too few
// cells (TOO_FEW_CELLS), or asks a bundle for what it has not (INVALID_OPTION).
absl::Status CheckNewContext(const bundle::Bundle& bundle, const cells::ControlMatrix& controls);

// `values` [cells, N] are log1p on the bundle's scale; the context's cells are those whose type is
// the number of the bundle's types. Adds to `notes` what a user should read of it.
std::shared_ptr<const model::NewContext> MakeNewContext(const bundle::Bundle& bundle,
                                                        const CsrMatrix& values,
                                                        const std::vector<int32_t>& cell_type,
                                                        const std::string& name,
                                                        std::vector<std::string>* notes);

}  // namespace unlasting::predict
