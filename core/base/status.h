// status.h helps to pass on absl::Status, as which alone errors cross the borders of rooms.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

#define UNLASTING_RETURN_IF_ERROR(expression)              \
  do {                                                     \
    absl::Status unlasting_status_ = (expression);         \
    if (!unlasting_status_.ok()) return unlasting_status_; \
  } while (false)

#define UNLASTING_CONCAT_INNER(a, b) a##b
#define UNLASTING_CONCAT(a, b) UNLASTING_CONCAT_INNER(a, b)

// UNLASTING_ASSIGN_OR_RETURN(auto cells, ReadCells(path));
#define UNLASTING_ASSIGN_OR_RETURN(target, expression) \
  UNLASTING_ASSIGN_OR_RETURN_IMPL(UNLASTING_CONCAT(unlasting_or_, __LINE__), target, expression)

#define UNLASTING_ASSIGN_OR_RETURN_IMPL(holder, target, expression) \
  auto holder = (expression);                                       \
  if (!holder.ok()) return holder.status();                         \
  target = std::move(holder).value()

namespace unlasting {

// The same code with `context` (a file, field or flag) in front of the message.
inline absl::Status Annotate(const absl::Status& status, const std::string& context) {
  if (status.ok()) return status;
  absl::Status annotated(status.code(), absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload([&annotated](absl::string_view url, const absl::Cord& payload) {
    annotated.SetPayload(url, payload);
  });
  return annotated;
}

// A machine-readable reason carried by a status, e.g. "UNKNOWN_GENE": upper-case words, stable
// between releases; becomes google.rpc.ErrorInfo.reason at the service's door.
inline constexpr char kReasonUrl[] = "unlasting.v1/reason";
inline absl::Status WithReason(absl::Status status, const std::string& reason) {
  status.SetPayload(kReasonUrl, absl::Cord(reason));
  return status;
}
// "" where the status carries none.
inline std::string ReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kReasonUrl);
  return payload.has_value() ? std::string(*payload) : "";
}

}  // namespace unlasting
