// Violations gathers every bad field of a request for its caller, who can then mend all of them at
// once.
//
//   Violations violations;
//   if (dose <= 0) violations.Add("perturbations[0].molecule.dose", "INVALID_DOSE", "found 0");
//   if (!violations.empty()) return violations.ToStatus();
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace unlasting::server {

// Name of the payload that holds the serialised google.rpc.BadRequest of a status.
inline constexpr char kBadRequestUrl[] = "type.googleapis.com/google.rpc.BadRequest";
// Name of the payload that says, in digits, how many violations there were, those included that the
// BadRequest leaves out.
inline constexpr char kViolationCountUrl[] = "unlasting.v1/violations";

// One thread at a time.
class Violations {
 public:
  // `field` is a path in the request's proto, e.g. "cells.matrix"; `reason` is a stable word in
  // upper case; `description` says what was found and what was expected. Long fields and
  // descriptions are cut at the border of a character, and bytes that are not UTF-8 become \xNN.
  void Add(const std::string& field, const std::string& reason, const std::string& description,
           absl::StatusCode code = absl::StatusCode::kInvalidArgument);
  // Adds a violation with the code, reason and message of `error`. OK adds nothing.
  void Add(const std::string& field, const absl::Status& error);

  void Append(const Violations& others);
  // Gives every entry the field that `name` makes of it, for requests that reached the API's checks
  // through another protocol, whose callers know other names.
  void RenameFields(absl::FunctionRef<std::string(const std::string& field)> name);

  bool empty() const { return entries_.empty(); }
  int64_t count() const { return static_cast<int64_t>(entries_.size()) + dropped_; }

  // OK when empty. The code is the one that all entries share, or INVALID_ARGUMENT where they
  // differ; the reason is that of the first entry. At most 100 entries are kept; the message and a
  // payload say how many there were.
  absl::Status ToStatus() const;

 private:
  struct Entry {
    std::string field;
    std::string reason;
    std::string description;
    absl::StatusCode code;
  };
  std::vector<Entry> entries_;
  int64_t dropped_ = 0;
};

}  // namespace unlasting::server
