// PredictionJson is what `unlasting predict --json` prints of a result. Pure; any thread.
#pragma once

#include <string>

#include "client/files/count_report.h"
#include "client/files/prediction_file.h"
#include "nlohmann/json.hpp"

namespace unlasting::client {

// `collector` holds a complete result, which was written to `out`. At most kRankedGenes of each
// perturbation are in it, however many were asked for.
nlohmann::json PredictionJson(const PredictionCollector& collector, const std::string& out);

// Of all perturbations together.
CountReport CountsOf(const PredictionCollector& collector);

}  // namespace unlasting::client
