// The exit code tells scripts how a program of ours ended: 0 for success, 2 for bad usage or bad
// input, 1 for anything else. ReportError prints an error for users and gives its code.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace unlasting::cli {

int ExitCode(const absl::Status& status);

// Prints "PROGRAM: message" as one line on stderr, whatever the message holds, and returns the exit
// code. Prints nothing for OK, nor for an error without a message: another process has reported
// that one.
int ReportError(absl::string_view program, const absl::Status& status);

}  // namespace unlasting::cli
