// The control codec turns control cells of the API into the cells::ControlMatrix of core/cells and
// back, for server and client: one form of message or upload, one form in memory.
//
//   cells::ControlFaults faults;
//   cells::ControlMatrix controls = codec::DecodeControlColumns(message, &faults);
//   UNLASTING_ASSIGN_OR_RETURN(auto part, codec::DecodeControlRows(message, limits));
//   cells::AppendCells(std::move(part), &controls, &faults);
//
// Decoding reads what a message says and judges encodings and enums alone; genes and cells are
// judged by core/cells/control_matrix.h. Stateless; any thread.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "core/cells/control_matrix.h"
#include "proto/codec/matrix_codec.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::codec {

// Names, kind and policy, without cells. Faults: MISSING_FIELD where neither names nor a hash are
// given, INVALID_VALUE_KIND, INVALID_OPTION for an unknown policy.
cells::ControlMatrix DecodeControlColumns(const v1::ControlCells& message,
                                          cells::ControlFaults* faults);
cells::ControlMatrix DecodeControlColumns(const v1::RegisterControlsHeader& message,
                                          cells::ControlFaults* faults);

// The cells alone: what cells::AppendCells takes. A single cell type stands for all rows. Errors
// are DecodeMatrix's, about the message's matrix.
absl::StatusOr<cells::ControlMatrix> DecodeControlRows(const v1::ControlCells& message,
                                                       const DecodeLimits& limits);
absl::StatusOr<cells::ControlMatrix> DecodeControlRows(const v1::RegisterControlsChunk& message,
                                                       const DecodeLimits& limits);

// Sparse encodings of the same; rows [first, last) of an upload. DecodeControl... reverses them.
v1::ControlCells EncodeControls(const cells::ControlMatrix& controls);
v1::RegisterControlsHeader EncodeControlsHeader(const cells::ControlMatrix& controls);
v1::RegisterControlsChunk EncodeControlsChunk(const cells::ControlMatrix& controls, int64_t first,
                                              int64_t last);

// Bytes of EncodeControls's message, about, without making it.
int64_t EncodedBytes(const cells::ControlMatrix& controls);

}  // namespace unlasting::codec
