// Inflater undoes the gzip compression of a request piece by piece, no further than a limit, so
// that a small message cannot become a large one unnoticed.
//
//   Inflater inflater(max_bytes);
//   for (absl::string_view piece : pieces) {
//     UNLASTING_RETURN_IF_ERROR(inflater.Add(piece, &text, reserve));
//   }
//   UNLASTING_RETURN_IF_ERROR(inflater.Complete());
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace unlasting::server {

// Whether `bytes` begin as gzip's do. No message of protobuf begins so: it would be a field of a
// wire type that does not exist.
bool IsGzip(absl::string_view bytes);

// One thread at a time.
class Inflater {
 public:
  explicit Inflater(int64_t max_bytes);
  ~Inflater();

  // Appends what `piece` holds to `text`. `reserve` is asked before every block of memory, in
  // bytes; its error ends the work. OUT_OF_RANGE beyond `max_bytes` in all; INVALID_ARGUMENT with
  // reason MALFORMED_REQUEST where the bytes are not gzip's.
  absl::Status Add(absl::string_view piece, std::string* text,
                   absl::FunctionRef<absl::Status(int64_t)> reserve);
  // INVALID_ARGUMENT with reason MALFORMED_REQUEST where the bytes break off.
  absl::Status Complete() const;

 private:
  struct State;
  const int64_t max_bytes_;
  const std::unique_ptr<State> state_;
};

}  // namespace unlasting::server
