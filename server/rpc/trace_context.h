// TraceParent and RequestIdOf tie the log lines of a call to those of the programs around it: by
// the W3C's `traceparent` header and by a request id.
//
// Pure functions, but for the random id; any thread.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace unlasting::server {

// A trace context as of https://www.w3.org/TR/trace-context, version 00.
struct TraceParent {
  std::string trace_id;   // 32 lower-case hexadecimal digits, not all 0; "" where there is no trace
  std::string parent_id;  // 16 lower-case hexadecimal digits: the caller's span
};

// Both ids are "" where `header` is not a valid traceparent: a broken header is as good as none.
TraceParent ParseTraceParent(absl::string_view header);

// Returns `proposed` where it consists of 1 to 128 letters, digits and -_.:, and a new random id
// otherwise: nothing that a caller sends reaches the log unchecked.
std::string RequestIdOf(absl::string_view proposed);

}  // namespace unlasting::server
