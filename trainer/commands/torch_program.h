// The commands of unlasting-train that need LibTorch live in a program of their own,
// lib/unlasting/unlasting-train-torch, so that all others start in milliseconds and run where no
// LibTorch is. The user knows one name: unlasting-train becomes that program where it has to.
#pragma once

#include "absl/status/status.h"

namespace unlasting::trainer {

// Whether the command line asks for `fit` or `inspect --verify`.
bool NeedsTorchProgram(int argc, char** argv);

// Replaces this process by the program with LibTorch, which takes the same arguments; returns only
// where it cannot be started. FAILED_PRECONDITION names its path.
absl::Status BecomeTorchProgram(char** argv);

}  // namespace unlasting::trainer
