// training_curves.h plots the curves of a training run. Private to core/report.
#pragma once

#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace unlasting::report {

// A panel for each of loss, mask_loss, the latents' mean and deviation, and the scores of
// validation and held-out cells that the lines hold; "" where they hold none. Lines without `step`
// or with other values than finite numbers are passed over.
std::string TrainingSection(const std::vector<nlohmann::json>& lines);

}  // namespace unlasting::report
