// write_tiny_bundle DIR [NAME]: a small bundle with random weights, for tests of the programs.
#include <iostream>

#include "tests/support/tiny_torch_bundle.h"

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  unlasting::test::TinyBundleOptions options;
  options.molecules = true;
  if (argc > 2) options.name = argv[2];
  const absl::Status status = unlasting::test::WriteTinyTorchBundle(argv[1], options);
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
