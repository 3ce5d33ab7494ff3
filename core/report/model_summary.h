// model_summary.h lists what a manifest says about a model.
#pragma once

#include <string>

#include "nlohmann/json.hpp"

namespace unlasting::report {

// Known keys first, in a fixed order; file hashes and other machine matters are left out. "" for an
// empty manifest.
std::string ModelSummarySection(const nlohmann::json& manifest);

// A value in plain text: a list by its length and first items, an object by its plain members; ""
// for what is empty.
std::string Describe(const nlohmann::json& value);

// A manifest's `split` in words, in plain text: what was held out, and how many cells there are on
// each side. "" for what is no split.
std::string SplitText(const nlohmann::json& split);

}  // namespace unlasting::report
