// ReadCarryOver reads from a manifest how responses carry over to a cell type that training never
// saw. Pure function; any thread.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "core/model/spec/new_context.h"
#include "nlohmann/json.hpp"

namespace unlasting::bundle {

// `response` is Manifest::response. Bundles from before the list `rules` have one rule, the mean of
// theirs; where training could leave no context out, the change itself carries over. None where no
// change is expected. INVALID_ARGUMENT for a list that is not as docs/bundle.md says.
absl::StatusOr<std::vector<model::CarryOverRule>> ReadCarryOver(const nlohmann::json& response);

}  // namespace unlasting::bundle
