// Any bytes as an .h5ad file or a 10x .h5 file: the reader must respond with data or a Status,
// never a crash.
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/anndata/crash_guard.h"
#include "core/anndata/describe.h"
#include "core/anndata/open_reader.h"
#include "core/anndata/warnings.h"

// A child of the guard that crashes is what the guard is for: it leaves no artifact.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  pthread_atfork(nullptr, nullptr, [] { __sanitizer_set_death_callback(nullptr); });
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // HDF5 wants the file's real path, which one without a name in a folder does not have.
  static const std::string path = [] {
    std::string name = "/tmp/h5ad_reader_fuzz-XXXXXX";
    const int file = mkstemp(name.data());
    if (file < 0) std::abort();
    close(file);
    static const std::string kept = name;
    std::atexit([] { unlink(kept.c_str()); });
    return name;
  }();
  // As the programs have it: HDF5 itself crashes on some files, and must do so in a child.
  unlasting::anndata::GuardAgainstCrashes(true);
  unlasting::anndata::SetWarningHandler([](const std::string&) {});
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(data, 1, size, file) != size) std::abort();
  std::fclose(file);
  static_cast<void>(unlasting::anndata::ReadAnnData(path));
  const auto description = unlasting::anndata::Describe(path);
  if (description.ok()) static_cast<void>(description->dump());
  const auto reader = unlasting::anndata::OpenReader(path);
  if (!reader.ok()) return 0;
  static_cast<void>((*reader)->ReadMatrix("raw/X"));
  static_cast<void>((*reader)->ReadRawVar());
  const int64_t cells = (*reader)->n_obs();
  if (cells > 1 && (*reader)->ReadRows("X", 0, cells / 2).ok()) {
    static_cast<void>((*reader)->ReadRows("X", cells / 2, cells - cells / 2));
  }
  return 0;
}
