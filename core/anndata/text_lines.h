// TextLines reads a text file line by line, whether it is compressed with gzip or not, in constant
// memory. Private to core/anndata.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace unlasting::anndata {

// Not thread-safe. Errors name the file.
class TextLines {
 public:
  // A longer line is refused: it means a file that is not text.
  static constexpr size_t kMaxLine = size_t{1} << 20;

  // NOT_FOUND where there is no such file.
  static absl::StatusOr<TextLines> Open(const std::string& path);

  // False after the last line. The line has no end of line, and no byte order mark before the first
  // one; it is valid until the next call. INVALID_ARGUMENT where the compressed data are damaged or
  // end too early, or a line is too long.
  absl::StatusOr<bool> Next(absl::string_view* line);
  // Of the line that Next returned last; the first one is 1.
  int64_t line_number() const { return line_number_; }
  const std::string& path() const { return path_; }
  // Starts again before the first line.
  absl::Status Rewind();

 private:
  struct CloseFile {
    void operator()(gzFile_s* file) const { gzclose(file); }
  };
  TextLines() = default;
  // Moves what is left to the front of the buffer and reads on; false at the end of the file.
  absl::StatusOr<bool> Fill();

  std::string path_;
  std::unique_ptr<gzFile_s, CloseFile> file_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // of what is left in the buffer
  size_t end_ = 0;
  bool at_end_ = false;  // of the file
  int64_t line_number_ = 0;
};

}  // namespace unlasting::anndata
