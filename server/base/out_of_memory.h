// WithinMemory ends work that cannot get memory with a status, at the border of the thread that
// does it: one request too many must not end the process. Stateless; any thread.
#pragma once

#include <exception>
#include <new>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace unlasting::server {

inline absl::Status OutOfMemory() {
  return WithReason(absl::ResourceExhaustedError("the server is out of memory for this request: "
                                                 "send fewer cells or perturbations per call, or "
                                                 "try again later"),
                    "OUT_OF_MEMORY");
}

// What `work` returns, a Result that a status converts to; RESOURCE_EXHAUSTED with reason
// OUT_OF_MEMORY where it throws std::bad_alloc, INTERNAL where it throws another exception.
template <typename Result, typename Work>
Result WithinMemory(Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("unexpected: ", error.what()));
  }
}

}  // namespace unlasting::server
