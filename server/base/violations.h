// Every bad field of a request, gathered so that a caller can mend all of them at once.
//
//   Violations violations;
//   if (dose <= 0) violations.Add("perturbations[0].molecule.dose", "INVALID_DOSE", "found 0");
//   if (!violations.empty()) return violations.ToStatus();
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace unlasting::server {

// Payload of a status under which a serialised google.rpc message travels to error_details.h.
inline constexpr char kBadRequestUrl[] = "type.googleapis.com/google.rpc.BadRequest";

class Violations {
 public:
  // `field` is a path in the request's proto, e.g. "cells.matrix"; `reason` is stable and in upper
  // case; `description` says what was found and what was expected.
  void Add(const std::string& field, const std::string& reason, const std::string& description,
           absl::StatusCode code = absl::StatusCode::kInvalidArgument);
  // Takes code, reason and message from `error`. OK adds nothing.
  void Add(const std::string& field, const absl::Status& error);

  void Append(const Violations& others);

  bool empty() const { return entries_.empty(); }

  // OK when empty. The code is that of all entries where they agree, else INVALID_ARGUMENT; the
  // reason is the first entry's. Holds at most 100 entries; the message says how many more.
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
