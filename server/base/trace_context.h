// What ties a call's log lines to those of other programs: a request id and the W3C's traceparent.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace unlasting::server {

// https://www.w3.org/TR/trace-context, version 00.
struct TraceParent {
  std::string trace_id;   // 32 lower-case hexadecimal digits, not all 0; "" where absent
  std::string parent_id;  // 16, the caller's span
};

// Empty where `header` is not a sound traceparent: a broken one is as good as none.
TraceParent ParseTraceParent(absl::string_view header);

// `proposed` where it is 1 to 128 letters, digits and -_.:, else a new random id: nothing that a
// caller sends reaches the log unchecked.
std::string RequestIdOf(absl::string_view proposed);

}  // namespace unlasting::server
