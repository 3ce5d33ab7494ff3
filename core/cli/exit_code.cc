#include "core/cli/exit_code.h"

#include <cstdio>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace unlasting::cli {

int ExitCode(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 0;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kPermissionDenied:
      return 2;
    default:
      return 1;
  }
}

int ReportError(absl::string_view program, const absl::Status& status) {
  if (!status.ok() && !status.message().empty()) {
    std::string line = absl::StrCat(program, ": ", status.message());
    // Line ends would make several lines of one error; other control characters could drive a
    // terminal.
    for (char& letter : line) {
      if (absl::ascii_iscntrl(static_cast<unsigned char>(letter))) letter = ' ';
    }
    // In one call, so that lines of several processes do not mix.
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  return ExitCode(status);
}

}  // namespace unlasting::cli
