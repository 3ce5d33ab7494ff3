// Hdf5Writer writes groups, attributes and data sets with AnnData's encoding attributes into an
// HDF5 file, for WriteAnnData. Private to core/anndata.
//
// It borrows the file, runs within an Hdf5Scope and is not thread-safe. HDF5 calls fail for one
// reason here, a file system that refuses: ok() tells, once at the end, whether any has failed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/anndata/hdf5.h"

namespace unlasting::anndata {

class Hdf5Writer {
 public:
  // `gzip_level` as in WriteOptions.
  explicit Hdf5Writer(int gzip_level) : gzip_level_(gzip_level) {}

  // False from the first call on that HDF5 has refused.
  bool ok() const { return ok_; }

  Handle Group(hid_t parent, const std::string& name, const char* encoding, const char* version);
  void Encoding(hid_t object, const char* encoding, const char* version);

  void Attribute(hid_t object, const char* name, const std::string& value);
  void Attribute(hid_t object, const char* name, const std::vector<std::string>& values);
  void Attribute(hid_t object, const char* name, const std::vector<int64_t>& values);
  // numpy's boolean as an attribute.
  void Flag(hid_t object, const char* name, bool value);

  // An array of `shape` in C order: `data` is of `memory_type`, the file's values of `file_type`.
  void Numbers(hid_t group, const std::string& name, hid_t file_type, hid_t memory_type,
               const void* data, std::vector<hsize_t> shape);
  void Strings(hid_t group, const std::string& name, const std::vector<std::string>& values);
  void Booleans(hid_t group, const std::string& name, const std::vector<bool>& values);
  // A member of a sparse matrix, which carries no encoding.
  void Bare(hid_t group, const char* name, hid_t file_type, hid_t memory_type, const void* data,
            size_t size);

  void Scalar(hid_t group, const std::string& name, hid_t file_type, hid_t memory_type,
              const void* data);
  void Scalar(hid_t group, const std::string& name, const std::string& value);
  void BooleanScalar(hid_t group, const std::string& name, bool value);

 private:
  void Check(int64_t result) { ok_ = ok_ && result >= 0; }
  // Chunked and compressed where there is something to compress.
  Handle Dataset(hid_t group, const std::string& name, hid_t type, std::vector<hsize_t> shape);
  Handle ScalarDataset(hid_t group, const std::string& name, hid_t type);

  int gzip_level_;
  bool ok_ = true;
};

}  // namespace unlasting::anndata
