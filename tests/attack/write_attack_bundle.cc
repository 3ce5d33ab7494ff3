// Writes the tiny bundle that attacked servers serve: write_attack_bundle FOLDER.
#include <iostream>

#include "tests/support/tiny_bundle.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "write_attack_bundle: expected a folder\n";
    return 2;
  }
  unlasting::test::TinyBundleOptions options;
  options.molecules = true;
  const absl::Status status = unlasting::test::WriteTinyBundle(argv[1], options);
  if (!status.ok()) std::cerr << "write_attack_bundle: " << status << "\n";
  return status.ok() ? 0 : 1;
}
