// write_tiny_bundle DIR [NAME [pairs]]: a small bundle with random weights, for tests of the
// programs; with `pairs` training had two genes perturbed together.
#include <iostream>
#include <string>

#include "tests/support/tiny_torch_bundle.h"

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  unlasting::test::TinyBundleOptions options;
  options.molecules = true;
  if (argc > 2) options.name = argv[2];
  if (argc > 3) {
    if (argv[3] != std::string("pairs")) return 2;
    options.pairs = true;
  }
  const absl::Status status = unlasting::test::WriteTinyTorchBundle(argv[1], options);
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
