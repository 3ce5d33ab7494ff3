// MtxStream reads the entries of a Matrix Market file in the file's order, in constant memory.
// Private to core/anndata.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/anndata/text_lines.h"

namespace unlasting::anndata {

// Coordinate format, general, with values that are integers or reals, or patterns, which count as
// 1; INVALID_ARGUMENT for any other. Errors name the file and the line. Not thread-safe.
class MtxStream {
 public:
  struct Entry {
    int32_t row = 0;  // from 0
    int32_t col = 0;  // from 0
    float value = 0;
  };

  // Reads the header; rows and columns are below 2^31.
  static absl::StatusOr<MtxStream> Open(const std::string& path);

  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  int64_t entries() const { return entries_; }

  // False after the last entry. INVALID_ARGUMENT for a malformed line, an index outside the matrix,
  // and more or fewer entries than the header promises.
  absl::StatusOr<bool> Next(Entry* entry);
  // Starts again before the first entry.
  absl::Status Rewind();

 private:
  explicit MtxStream(TextLines lines) : lines_(std::move(lines)) {}
  absl::Status ReadHeader();
  // The next line that is neither empty nor a comment; false at the end.
  absl::StatusOr<bool> NextLine(absl::string_view* line);
  absl::Status OnLine(const std::string& what) const;
  absl::Status CheckCount() const;

  TextLines lines_;
  bool pattern_ = false;
  int64_t rows_ = 0;
  int64_t cols_ = 0;
  int64_t entries_ = 0;
  int64_t read_ = 0;  // entries
};

}  // namespace unlasting::anndata
