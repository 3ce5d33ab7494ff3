// Invalid makes the errors by which a query is refused. Private to core/predict/query.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "core/base/status.h"

namespace unlasting::predict {

// INVALID_ARGUMENT with a reason that machines read, such as "INVALID_DOSE".
inline absl::Status Invalid(const std::string& reason, const std::string& message) {
  return WithReason(absl::InvalidArgumentError(message), reason);
}

}  // namespace unlasting::predict
