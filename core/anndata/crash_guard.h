// HDF5 1.10 trusts what it reads: string heaps and object headers of a damaged file can make it
// crash, which no check of ours before the call can rule out. Where the guard is on, a file is read
// once by a forked child before this process touches it; a child that crashes means a damaged file.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace unlasting::anndata {

// Off at first. For programs that open files from anywhere: costs a fork, and reading files below
// 64 MB twice (of larger ones the annotations and the first and last rows). Leave it off in
// processes with many threads, and where the files' hashes were verified before. Not thread-safe:
// call it in main.
void GuardAgainstCrashes(bool on);

// INVALID_ARGUMENT where `read` does not survive in a child, or has not ended after a minute. OK
// where the guard is off or no child can be made.
absl::Status SurvivesInChild(const std::string& path, const std::function<void()>& read);

}  // namespace unlasting::anndata
