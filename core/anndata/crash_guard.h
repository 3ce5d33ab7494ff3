// SurvivesInChild finds out for OpenReader whether HDF5 crashes on a file, before this process
// reads it. HDF5 1.10 trusts what it reads: string heaps and object headers of a damaged file, and
// filters that are plugins, can make it crash, which no check of ours before the call can rule out.
// Where the guard is on, an .h5ad or 10x .h5 file is read once by a forked child, whose memory is
// limited by the file's size; a child that crashes, or in which HDF5 asks for more memory than any
// such file holds, means a damaged file. Text (MTX folders) is read by our own code and needs no
// guard.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace unlasting::anndata {

// Turns the guard on or off; it is off by default. Turn it on in programs that open files from
// anywhere. It costs a fork, and reading a file of less than 64 MB twice (of a larger one the
// annotations and the first and last rows). Leave it off in processes with many threads, and where
// the files' hashes were verified before. Not thread-safe: call it in main.
void GuardAgainstCrashes(bool on);

// What the child found out. HDF5's own wants alone are kLacksMemory: values that do not fit into
// memory may do so in a caller that reads fewer of them.
enum class ChildFinding { kReadable, kLacksMemory };

// INVALID_ARGUMENT where `read` does not survive in a child, finds kLacksMemory there or has not
// ended after a minute. OK where the guard is off or no child can be made.
absl::Status SurvivesInChild(const std::string& path, const std::function<ChildFinding()>& read);

}  // namespace unlasting::anndata
