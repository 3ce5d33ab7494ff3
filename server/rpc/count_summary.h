// SummarizeCounts says what the counts of a perturbation's predicted cells keep of the profiles
// that they are drawn from. Stateless; any thread.
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "core/predict/job/profiles.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

// Draws the counts of all cells again, as each is a function of its place. `profiles` carries its
// draws, `dispersion` has a value for each gene of the bundle, and `columns` are the genes to
// report.
v1::DrawnCounts SummarizeCounts(const predict::Profiles& profiles,
                                absl::Span<const double> dispersion,
                                absl::Span<const int64_t> columns);

}  // namespace unlasting::server
