// WireFault says why the bytes of a request are not its message, for requests that protobuf
// refuses without a word: text that is not UTF-8, or bytes that were cut or are another message's.
// A pure function without gRPC; any thread.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace unlasting::server {

// `bytes` did not parse as `message`. INVALID_ARGUMENT with google.rpc.BadRequest: reason
// INVALID_UTF8 at the field that holds the first such text, e.g. "perturbations[0].genes.genes[1]",
// or MALFORMED_REQUEST at the innermost field whose bytes break off.
absl::Status WireFault(absl::string_view bytes, const google::protobuf::Descriptor& message);

}  // namespace unlasting::server
