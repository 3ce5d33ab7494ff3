// Control validation turns the control cells of a request or an upload into a checked
// cells::ControlMatrix for core/predict, and reports whatever is wrong with them by field.
//
// Decoding is proto/codec/control_codec.h, checking is core/cells/control_matrix.h; here are the
// limits of a server and the fields of its API. Stateless, without gRPC; any thread.
#pragma once

#include <string>

#include "core/cells/control_matrix.h"
#include "server/base/violations.h"
#include "server/config/limits.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

// Whatever is wrong goes to `violations` under `field` ("cells"); the result is then meaningless.
cells::ControlMatrix DecodeControls(const v1::ControlCells& message, const std::string& field,
                                    const RequestLimits& limits, Violations* violations);

// The same for an upload, part by part: a header begins the matrix, without cells, and each chunk
// appends to it. A chunk with a violation leaves `controls` as they were.
cells::ControlMatrix DecodeControlsHeader(const v1::RegisterControlsHeader& message,
                                          const RequestLimits& limits, Violations* violations);
void AppendControlsChunk(const v1::RegisterControlsChunk& message, const RequestLimits& limits,
                         cells::ControlMatrix* controls, Violations* violations);

}  // namespace unlasting::server
