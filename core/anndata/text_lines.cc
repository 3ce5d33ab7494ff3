#include "core/anndata/text_lines.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status.h"

namespace unlasting::anndata {

absl::StatusOr<TextLines> TextLines::Open(const std::string& path) {
  TextLines lines;
  lines.path_ = path;
  lines.file_.reset(gzopen(path.c_str(), "rb"));
  if (lines.file_ == nullptr) {
    const std::string reason = std::strerror(errno);
    return errno == ENOENT
               ? absl::NotFoundError(absl::StrCat(path, ": no such file"))
               : absl::InvalidArgumentError(absl::StrCat(path, ": cannot be opened: ", reason));
  }
  gzbuffer(lines.file_.get(), 1 << 17);
  lines.buffer_.resize(kMaxLine);
  return lines;
}

absl::Status TextLines::Rewind() {
  if (gzrewind(file_.get()) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ": cannot be read twice, expected a regular file"));
  }
  begin_ = end_ = 0;
  at_end_ = false;
  line_number_ = 0;
  return absl::OkStatus();
}

absl::StatusOr<bool> TextLines::Fill() {
  if (at_end_) return false;
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (end_ == buffer_.size()) {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": line ", line_number_ + 1,
                                                   " is longer than ", kMaxLine,
                                                   " bytes, expected a text file"));
  }
  const int read =
      gzread(file_.get(), buffer_.data() + end_, static_cast<unsigned>(buffer_.size() - end_));
  int code = Z_OK;
  const char* reason = gzerror(file_.get(), &code);
  // gzread returns what it has before it meets the end of a file that was cut: only the code tells.
  if (read < 0 || (code != Z_OK && code != Z_STREAM_END)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ": the compressed file is damaged or was cut after line ", line_number_,
                     code == Z_ERRNO || reason == nullptr ? "" : absl::StrCat(" (", reason, ")")));
  }
  at_end_ = read == 0;
  end_ += static_cast<size_t>(read);
  return read > 0;
}

absl::StatusOr<bool> TextLines::Next(absl::string_view* line) {
  size_t searched = 0;
  while (true) {
    const char* start = buffer_.data() + begin_;
    const void* found = std::memchr(start + searched, '\n', end_ - begin_ - searched);
    if (found != nullptr) {
      *line = absl::string_view(start, static_cast<const char*>(found) - start);
      begin_ += line->size() + 1;
      break;
    }
    searched = end_ - begin_;
    UNLASTING_ASSIGN_OR_RETURN(const bool more, Fill());
    if (more) continue;
    if (begin_ == end_) return false;
    *line = absl::string_view(buffer_.data() + begin_, end_ - begin_);
    begin_ = end_;
    break;
  }
  if (line_number_++ == 0) absl::ConsumePrefix(line, "\xEF\xBB\xBF");
  absl::ConsumeSuffix(line, "\r");
  return true;
}

}  // namespace unlasting::anndata
