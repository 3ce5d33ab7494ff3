// model_summary.h lists what a manifest says about a model. Private to core/report.
#pragma once

#include <string>

#include "nlohmann/json.hpp"

namespace unlasting::report {

// Known keys first, in a fixed order; file hashes and other machine matters are left out. "" for an
// empty manifest.
std::string ModelSummarySection(const nlohmann::json& manifest);

}  // namespace unlasting::report
