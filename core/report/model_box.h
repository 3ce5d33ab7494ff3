// ModelBox says beside the scores which model was scored, on which split, and what training had
// seen of it. Private to core/report.
#pragma once

#include <string>

#include "core/evaluate/scorecard.h"
#include "nlohmann/json.hpp"

namespace unlasting::report {

// A section. `manifest` is a bundle's, or the names of the files that were scored, or empty. ""
// where neither it nor the card says anything.
std::string ModelBox(const nlohmann::json& manifest, const evaluate::Scorecard& card);

}  // namespace unlasting::report
