// BadPerturbations says which perturbations of a request a server refused, for callers who go on
// with the others. Pure; any thread.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"

namespace unlasting::client {

// Name of the payload with the serialised google.rpc.BadRequest that the server sent.
inline constexpr char kBadRequestUrl[] = "type.googleapis.com/google.rpc.BadRequest";

struct BadPerturbation {
  std::string reason;   // e.g. UNKNOWN_GENE
  std::string message;  // what was found and expected
};

// By index into PredictRequest.perturbations. Empty where `status` names none of them, or names
// other fields too: then the whole request is wrong. The server may have left out the last ones.
std::map<int, BadPerturbation> BadPerturbations(const absl::Status& status);

}  // namespace unlasting::client
