#include "core/anndata/filters.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/anndata/lzf_filter.h"
#include "core/anndata/zstd_filter.h"

namespace unlasting::anndata {
namespace {

constexpr char kFromPyPi[] =
    "run 'pip install hdf5plugin' and set HDF5_PLUGIN_PATH to the folder 'plugins' of that package";

struct KnownFilter {
  H5Z_filter_t number;
  const char* name;
  const char* remedy;
};

constexpr KnownFilter kKnownFilters[] = {
    {H5Z_FILTER_SZIP, "szip", "install an HDF5 library that was built with szip"},
    {kBzip2Filter, "bzip2", "install the Debian package hdf5-filter-plugin"},
    {kBloscFilter, "blosc", "install the Debian package hdf5-filter-plugin-blosc-serial"},
    {kLz4Filter, "lz4", "install the Debian package hdf5-filter-plugin"},
    {kBitshuffleFilter, "bitshuffle", kFromPyPi},
    {kZfpFilter, "zfp", "install the Debian package hdf5-filter-plugin-zfp-serial"},
    {kBlosc2Filter, "blosc2", kFromPyPi},
};

// `stored_name` is what the file says of the filter, "" where it says nothing.
absl::Status MissingFilter(H5Z_filter_t number, const std::string& stored_name) {
  std::string name = stored_name.empty() ? "unnamed" : stored_name;
  std::string remedy = "set HDF5_PLUGIN_PATH to a folder that holds its plugin";
  for (const KnownFilter& known : kKnownFilters) {
    if (known.number != number) continue;
    name = known.name;
    remedy = known.remedy;
  }
  return absl::FailedPreconditionError(
      absl::StrCat("is compressed with the HDF5 filter ", number, " (", name,
                   "), which is not installed: ", remedy, ", or write the file again with gzip"));
}

}  // namespace

void RegisterFilters() {
  RegisterLzfFilter();
  RegisterZstdFilter();
}

absl::Status CheckFilters(hid_t dataset) {
  const hid_t plist = H5Dget_create_plist(dataset);
  const int filters = H5Pget_nfilters(plist);
  absl::Status status;
  for (int k = 0; k < filters && status.ok(); ++k) {
    unsigned int flags = 0;
    size_t parameters = 0;
    char name[64] = {0};
    const H5Z_filter_t number =
        H5Pget_filter2(plist, k, &flags, &parameters, nullptr, sizeof(name) - 1, name, nullptr);
    if (number < 0 || H5Zfilter_avail(number) > 0) continue;
    // The name is a damaged file's own: it must not break the line.
    std::string text(name);
    text.erase(std::remove_if(text.begin(), text.end(),
                              [](unsigned char c) { return c < 0x20 || c > 0x7E; }),
               text.end());
    status = MissingFilter(number, text);
  }
  H5Pclose(plist);
  return status;
}

uint64_t BestCompression(hid_t dataset) {
  // deflate reaches 1032 to 1, and lzf and szip less; zstd reaches 128 KiB for 4 bytes, and what a
  // plugin reaches is not known.
  constexpr uint64_t kDeflate = 1100;
  constexpr uint64_t kOther = uint64_t{1} << 15;
  const hid_t plist = H5Dget_create_plist(dataset);
  const int filters = H5Pget_nfilters(plist);
  uint64_t best = kDeflate;
  for (int k = 0; k < filters; ++k) {
    unsigned int flags = 0;
    size_t parameters = 0;
    const H5Z_filter_t number =
        H5Pget_filter2(plist, k, &flags, &parameters, nullptr, 0, nullptr, nullptr);
    constexpr H5Z_filter_t kLastOfHdf5 = 255;  // those that HDF5 itself brings
    constexpr H5Z_filter_t kLzf = 32000;
    if (number > kLastOfHdf5 && number != kLzf) best = kOther;
  }
  H5Pclose(plist);
  return best;
}

}  // namespace unlasting::anndata
