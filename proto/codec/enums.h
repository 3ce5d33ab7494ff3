// The enum codec turns the API's enums into the words of core and of the command line and back.
// A ...Name function gives "" for UNSPECIFIED and unknown values. Stateless; any thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "unlasting/v1/perturbation.pb.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::codec {

// "ddim", "dpmpp2m"; UNSPECIFIED for "". INVALID_ARGUMENT lists the words.
absl::StatusOr<v1::Solver> SolverFromName(const std::string& name);
// "" for UNSPECIFIED and unknown values.
std::string SolverName(v1::Solver solver);

// "rank", "cell", "aggregate", "sample", "none".
absl::StatusOr<v1::MaskMode> MaskModeFromName(const std::string& name);
std::string MaskModeName(v1::MaskMode mode);

// "log1p", "normalised counts" (VALUE_KIND_COUNTS) and "counts" (VALUE_KIND_DRAWN_COUNTS), as what
// a response holds is called; "" for UNSPECIFIED and unknown values.
std::string ValueKindName(v1::ValueKind kind);
// What a caller may ask for: "log1p" and "counts", which are drawn; UNSPECIFIED for "".
// INVALID_ARGUMENT lists the words.
absl::StatusOr<v1::ValueKind> ValueKindFromName(const std::string& name);

// "pM", "nM", "uM", "mM", "M"; "" for UNSPECIFIED and unknown values.
std::string DoseUnitName(v1::DoseUnit unit);

// "below", "within", "above"; "" for UNSPECIFIED and unknown values.
std::string DoseRangeName(v1::DoseRange range);
// "singly", "in combination", "never"; "" for UNSPECIFIED and unknown values.
std::string GeneTrainingName(v1::GeneTraining training);

}  // namespace unlasting::codec
