#include "core/anndata/mtx_stream.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

constexpr int64_t kMaxSize = std::numeric_limits<int32_t>::max();

// The text, as far as a message may show it.
std::string Shown(absl::string_view text) {
  constexpr size_t kMaxShown = 60;
  std::string shown(text.substr(0, kMaxShown));
  for (char& c : shown) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) c = '?';
  }
  return shown;
}

std::vector<absl::string_view> Words(absl::string_view line) {
  return absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
}

// Takes the next whole number from the front of the line; false where there is none.
bool TakeInteger(absl::string_view* line, int64_t* value) {
  *line = absl::StripLeadingAsciiWhitespace(*line);
  const auto result = std::from_chars(line->data(), line->data() + line->size(), *value);
  if (result.ec != std::errc()) return false;
  line->remove_prefix(result.ptr - line->data());
  return line->empty() || absl::ascii_isspace(static_cast<unsigned char>(line->front()));
}

// The rest of the line as a number within float's range.
bool TakeValue(absl::string_view line, float* value) {
  line = absl::StripAsciiWhitespace(line);
  double number = 0;
  if (!absl::SimpleAtod(line, &number)) return false;
  if (std::isfinite(number) && std::abs(number) > std::numeric_limits<float>::max()) return false;
  *value = static_cast<float>(number);
  return true;
}

}  // namespace

absl::StatusOr<MtxStream> MtxStream::Open(const std::string& path) {
  UNLASTING_ASSIGN_OR_RETURN(TextLines lines, TextLines::Open(path));
  MtxStream stream(std::move(lines));
  UNLASTING_RETURN_IF_ERROR(stream.ReadHeader());
  return stream;
}

absl::Status MtxStream::Rewind() {
  UNLASTING_RETURN_IF_ERROR(lines_.Rewind());
  return ReadHeader();
}

absl::Status MtxStream::OnLine(const std::string& what) const {
  return absl::InvalidArgumentError(
      absl::StrCat(lines_.path(), ": line ", lines_.line_number(), ": ", what));
}

absl::StatusOr<bool> MtxStream::NextLine(absl::string_view* line) {
  while (true) {
    UNLASTING_ASSIGN_OR_RETURN(const bool more, lines_.Next(line));
    if (!more) return false;
    if (!absl::StripLeadingAsciiWhitespace(*line).empty() && line->front() != '%') return true;
  }
}

absl::Status MtxStream::ReadHeader() {
  absl::string_view line;
  UNLASTING_ASSIGN_OR_RETURN(const bool any, lines_.Next(&line));
  const std::string lower = absl::AsciiStrToLower(any ? line : absl::string_view());
  const auto words = Words(lower);
  constexpr char kExpected[] =
      "expected '%%MatrixMarket matrix coordinate integer general' (or real, or pattern)";
  if (words.size() != 5 || words[0] != "%%matrixmarket" || words[1] != "matrix" ||
      words[2] != "coordinate" || words[4] != "general" ||
      (words[3] != "integer" && words[3] != "real" && words[3] != "pattern")) {
    return absl::InvalidArgumentError(
        absl::StrCat(lines_.path(), ": line 1: found '", Shown(line), "', ", kExpected));
  }
  pattern_ = words[3] == "pattern";
  UNLASTING_ASSIGN_OR_RETURN(const bool more, NextLine(&line));
  absl::string_view rest = more ? line : absl::string_view();
  if (!TakeInteger(&rest, &rows_) || !TakeInteger(&rest, &cols_) ||
      !TakeInteger(&rest, &entries_) || !absl::StripAsciiWhitespace(rest).empty() || rows_ < 0 ||
      cols_ < 0 || entries_ < 0 || rows_ > kMaxSize || cols_ > kMaxSize) {
    return OnLine(absl::StrCat("found '", more ? Shown(line) : "",
                               "', expected the numbers of rows, columns and entries"));
  }
  read_ = 0;
  return absl::OkStatus();
}

absl::Status MtxStream::CheckCount() const {
  if (read_ == entries_) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(lines_.path(), ": found ", read_,
                                                 " entries, expected ", entries_,
                                                 " as the header says; the file was cut"));
}

absl::StatusOr<bool> MtxStream::Next(Entry* entry) {
  absl::string_view line;
  UNLASTING_ASSIGN_OR_RETURN(const bool more, NextLine(&line));
  if (!more) {
    UNLASTING_RETURN_IF_ERROR(CheckCount());
    return false;
  }
  absl::string_view rest = line;
  int64_t row = 0, col = 0;
  entry->value = 1;
  const bool numbers = TakeInteger(&rest, &row) && TakeInteger(&rest, &col);
  if (!numbers ||
      (pattern_ ? !absl::StripAsciiWhitespace(rest).empty() : !TakeValue(rest, &entry->value))) {
    return OnLine(absl::StrCat("found '", Shown(line), "', expected a row, a column",
                               pattern_ ? "" : " and a value"));
  }
  if (row < 1 || row > rows_ || col < 1 || col > cols_) {
    return OnLine(absl::StrCat("found the entry ", row, ", ", col, ", expected 1 to ", rows_,
                               " and 1 to ", cols_));
  }
  if (++read_ > entries_) {
    return OnLine(absl::StrCat("found more entries than the ", entries_, " of the header"));
  }
  entry->row = static_cast<int32_t>(row - 1);
  entry->col = static_cast<int32_t>(col - 1);
  return true;
}

}  // namespace unlasting::anndata
