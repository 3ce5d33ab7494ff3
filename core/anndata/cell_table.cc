#include "core/anndata/cell_table.h"

#include <cmath>
#include <filesystem>
#include <limits>
#include <set>
#include <unordered_map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/anndata/hdf5.h"
#include "core/anndata/text_lines.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

using Strings = std::vector<std::string>;

// What pandas and R write for a missing number.
bool IsMissingNumber(const std::string& text) {
  static const auto* const kMissing =
      new std::set<std::string>{"", "na", "nan", "<na>", "null", "none"};
  return kMissing->count(absl::AsciiStrToLower(text)) > 0;
}

// Numbers where every value is one or missing, and at least one is there.
Column ToColumn(Strings values) {
  std::vector<int64_t> integers;
  std::vector<double> floats;
  bool any = false, whole = true;
  for (const auto& text : values) {
    double number = std::numeric_limits<double>::quiet_NaN();
    int64_t integer = 0;
    if (!IsMissingNumber(text)) {
      if (!absl::SimpleAtod(text, &number)) return values;
      any = true;
    }
    whole = whole && absl::SimpleAtoi(text, &integer);
    integers.push_back(integer);
    floats.push_back(number);
  }
  if (!any) return values;
  if (whole) return integers;
  return floats;
}

absl::Status OnLine(const TextLines& lines, const std::string& what) {
  return absl::InvalidArgumentError(
      absl::StrCat(lines.path(), ": line ", lines.line_number(), ": ", what));
}

// Reads a table line by line, for the cells that are asked for.
class TableReader {
 public:
  TableReader(TextLines lines, const Strings& barcodes)
      : lines_(std::move(lines)), barcodes_(barcodes) {}

  absl::StatusOr<DataFrame> Read() {
    absl::string_view line;
    UNLASTING_ASSIGN_OR_RETURN(const bool any, lines_.Next(&line));
    if (!any) {
      return absl::InvalidArgumentError(
          absl::StrCat(lines_.path(), ": is empty, expected a header line"));
    }
    separator_ = absl::StrContains(line, '\t') ? '\t' : ',';
    UNLASTING_ASSIGN_OR_RETURN(names_, Fields(line));
    UNLASTING_RETURN_IF_ERROR(IndexBarcodes());
    while (true) {
      UNLASTING_ASSIGN_OR_RETURN(const bool more, lines_.Next(&line));
      if (!more) break;
      if (line.empty()) continue;
      UNLASTING_ASSIGN_OR_RETURN(auto fields, Fields(line));
      UNLASTING_RETURN_IF_ERROR(TakeRow(std::move(fields)));
    }
    return Finish();
  }

 private:
  absl::StatusOr<Strings> Fields(absl::string_view line) {
    auto fields = SplitFields(line, separator_);
    if (!fields.ok()) return OnLine(lines_, std::string(fields.status().message()));
    return fields;
  }

  absl::Status IndexBarcodes() {
    for (size_t cell = 0; cell < barcodes_.size(); ++cell) {
      if (!cells_.emplace(barcodes_[cell], cell).second) {
        return absl::InvalidArgumentError(
            absl::StrCat(lines_.path(), ": the barcode '", barcodes_[cell],
                         "' belongs to several cells, expected barcodes that differ"));
      }
    }
    filled_.assign(barcodes_.size(), false);
    return absl::OkStatus();
  }

  // The first row tells whether the header names the column of barcodes.
  absl::Status MakeColumns(size_t fields) {
    if (names_.size() == fields) names_.erase(names_.begin());
    if (names_.size() + 1 != fields) return absl::OkStatus();  // TakeRow refuses the row.
    std::set<std::string> seen;
    for (const auto& name : names_) {
      if (!seen.insert(name).second) {
        return absl::InvalidArgumentError(absl::StrCat(
            lines_.path(), ": line 1: found the column '", name, "' twice, expected it once"));
      }
    }
    values_.assign(names_.size(), Strings(barcodes_.size()));
    return absl::OkStatus();
  }

  absl::Status TakeRow(Strings fields) {
    if (first_) UNLASTING_RETURN_IF_ERROR(MakeColumns(fields.size()));
    first_ = false;
    if (fields.size() != names_.size() + 1) {
      return OnLine(lines_, absl::StrCat("found ", fields.size(), " fields, expected ",
                                         names_.size() + 1, " as in the header"));
    }
    if (example_.empty()) example_ = fields[0];
    const auto cell = cells_.find(fields[0]);
    if (cell == cells_.end()) return absl::OkStatus();
    if (filled_[cell->second]) {
      return OnLine(lines_, absl::StrCat("found the barcode '", fields[0],
                                         "' a second time, expected one row per cell"));
    }
    filled_[cell->second] = true;
    for (size_t k = 0; k < names_.size(); ++k) {
      values_[k][cell->second] = std::move(fields[k + 1]);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<DataFrame> Finish() {
    size_t absent = 0;
    std::string first;
    for (size_t cell = 0; cell < barcodes_.size(); ++cell) {
      if (filled_[cell]) continue;
      if (absent++ == 0) first = barcodes_[cell];
    }
    if (absent > 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(lines_.path(), ": has no row for ", absent, " of ", barcodes_.size(),
                       " cells, such as '", first,
                       "'; expected one row per barcode, with the barcode in the "
                       "first column",
                       example_.empty() ? "" : absl::StrCat(" (found '", example_, "')")));
    }
    DataFrame frame;
    frame.index = barcodes_;
    for (size_t k = 0; k < values_.size(); ++k) {
      frame.columns.emplace_back(names_[k], ToColumn(std::move(values_[k])));
    }
    return frame;
  }

  TextLines lines_;
  char separator_ = '\t';
  const Strings& barcodes_;
  std::unordered_map<std::string, size_t> cells_;
  std::vector<bool> filled_;     // per cell
  Strings names_;                // of the columns, without that of barcodes once there is a row
  std::vector<Strings> values_;  // [columns][cells]
  std::string example_;          // of the barcodes in the table
  bool first_ = true;
};

}  // namespace

absl::StatusOr<Strings> SplitFields(absl::string_view line, char separator) {
  Strings fields;
  size_t at = 0;
  while (true) {
    std::string field;
    if (at < line.size() && line[at] == '"') {
      ++at;
      while (true) {
        const size_t quote = line.find('"', at);
        if (quote == absl::string_view::npos) {
          return absl::InvalidArgumentError("found a quote that is not closed, expected '\"'");
        }
        absl::StrAppend(&field, line.substr(at, quote - at));
        at = quote + 1;
        if (at >= line.size() || line[at] != '"') break;
        field += '"';
        ++at;
      }
    }
    const size_t end = std::min(line.find(separator, at), line.size());
    absl::StrAppend(&field, line.substr(at, end - at));
    fields.push_back(ToUtf8(std::string(absl::StripAsciiWhitespace(field))));
    if (end == line.size()) return fields;
    at = end + 1;
  }
}

absl::StatusOr<DataFrame> ReadCellTable(const std::string& path, const Strings& barcodes) {
  UNLASTING_ASSIGN_OR_RETURN(TextLines lines, TextLines::Open(path));
  return TableReader(std::move(lines), barcodes).Read();
}

absl::StatusOr<std::string> FindCellTable(const std::string& prefix) {
  std::string found;
  for (const char* name : {"obs", "metadata"}) {
    for (const char* extension : {".tsv", ".csv", ".txt", ".tsv.gz", ".csv.gz", ".txt.gz"}) {
      const std::string path = absl::StrCat(prefix, name, extension);
      std::error_code error;
      if (!std::filesystem::is_regular_file(path, error)) continue;
      if (!found.empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat(path, ": found a second table of cells beside ", found,
                         ", expected one; remove one, or name one with the "
                         "setting obs_table or the flag --obs-table"));
      }
      found = path;
    }
  }
  return found;
}

}  // namespace unlasting::anndata
