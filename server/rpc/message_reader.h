// The message reader turns the bytes that a caller sends into a message of the API within limits:
// its size is looked at first, a compressed one is inflated no further than the limit, and the
// memory that it takes is reserved before protobuf parses it.
//
// Services take requests as bytes, because gRPC itself ends a call whose request does not parse
// with UNIMPLEMENTED and no word, and an upload as if it had been complete. Any thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/config/limits.h"
#include "server/request/request_memory.h"

namespace unlasting::server {

// Reserves the bytes of a message as they arrived. RESOURCE_EXHAUSTED with reason MESSAGE_TOO_LARGE
// beyond RequestLimits.max_message_bytes; else the errors of RequestMemory.
absl::Status CheckMessage(const grpc::ByteBuffer& bytes, const RequestLimits& limits,
                          const std::string& client, IncomingHold* hold);

// Inflates and parses a message that CheckMessage let pass. `hold` grows by what the message takes
// in memory, on top of what it held. Errors: MESSAGE_TOO_LARGE and those of RequestMemory where
// that is too much; INVALID_ARGUMENT with reason INVALID_UTF8 or MALFORMED_REQUEST and the field.
absl::Status ParseMessage(const grpc::ByteBuffer& bytes, const RequestLimits& limits,
                          const std::string& client, IncomingHold* hold,
                          google::protobuf::Message* message);

// How a call ends whose caller sent no message: CANCELLED where it left, else INVALID_ARGUMENT.
absl::Status NoMessage(const grpc::CallbackServerContext& context);

// How a call ends whose caller sent nothing for too long: ABORTED with reason SILENT_CALLER.
absl::Status SilentCaller(absl::Duration patience);

}  // namespace unlasting::server
