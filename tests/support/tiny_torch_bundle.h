// Tiny bundles whose TorchScript files are real, for tests that open them.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::test {

// The bundle of WriteTinyBundle with the files that the trainer's exporter writes.
absl::Status WriteTinyTorchBundle(const std::string& directory,
                                  const TinyBundleOptions& options = {});

}  // namespace unlasting::test
