// Any bytes as an MTX folder: the reader must respond with data or a Status, never a crash. The
// input is the four files of the folder one after another, with a NUL byte between them: features,
// barcodes, the table of cells, the matrix.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/anndata/describe.h"
#include "core/anndata/open_reader.h"
#include "core/anndata/warnings.h"

namespace {

const std::string& Folder() {
  static const auto* const folder = [] {
    static std::string name = "/tmp/mtx_reader_fuzz-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    std::atexit([] { std::filesystem::remove_all(name); });
    return &name;
  }();
  return *folder;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  unlasting::anndata::SetWarningHandler([](const std::string&) {});
  std::string rest(reinterpret_cast<const char*>(data), size);
  for (const char* name : {"features.tsv", "barcodes.tsv", "obs.tsv", "matrix.mtx"}) {
    const size_t end = name == std::string("matrix.mtx") ? rest.size() : rest.find('\0');
    std::ofstream(Folder() + "/" + name, std::ios::binary) << rest.substr(0, end);
    rest = end >= rest.size() ? "" : rest.substr(end + 1);
  }
  static_cast<void>(unlasting::anndata::ReadAnnData(Folder()));
  const auto description = unlasting::anndata::Describe(Folder());
  if (description.ok()) static_cast<void>(description->dump());
  const auto reader = unlasting::anndata::OpenReader(Folder());
  if (!reader.ok()) return 0;
  const int64_t cells = (*reader)->n_obs();
  if (cells > 1 && (*reader)->ReadRows("X", cells / 2, cells - cells / 2).ok()) {
    static_cast<void>((*reader)->ReadRows("X", 0, cells / 2));
  }
  return 0;
}
