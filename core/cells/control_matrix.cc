#include "core/cells/control_matrix.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status.h"
#include "core/cells/row_source.h"

namespace unlasting::cells {
namespace {

int64_t BytesOf(const std::vector<std::string>& strings) {
  int64_t bytes = static_cast<int64_t>(strings.size() * sizeof(std::string));
  for (const std::string& text : strings) bytes += static_cast<int64_t>(text.size());
  return bytes;
}

// Where value `k` of the part stands, in the caller's own terms.
std::string PlaceOf(int64_t k, const ControlMatrix& part, const ControlMatrix& whole) {
  const auto& indptr = part.values.indptr;
  const int64_t row = std::upper_bound(indptr.begin(), indptr.end(), k) - indptr.begin() - 1;
  const int32_t column = part.values.indices[k];
  const bool named = column < static_cast<int64_t>(whole.genes.size());
  return absl::StrCat("cell ", row,
                      named ? absl::StrCat(", gene '", whole.genes[column], "'")
                            : absl::StrCat(", column ", column));
}

void CheckShape(const ControlMatrix& part, const ControlMatrix& whole, ControlFaults* faults) {
  const auto names = static_cast<int64_t>(whole.genes.size());
  if (names > 0 && part.values.cols != names) {
    faults->push_back({"matrix", "INVALID_SHAPE",
                       absl::StrCat("found ", part.values.cols,
                                    " columns, expected one for each of ", names, " gene names")});
  } else if (whole.values.rows > 0 && part.values.cols != whole.values.cols) {
    faults->push_back({"matrix", "INVALID_SHAPE",
                       absl::StrCat("found ", part.values.cols, " columns, expected ",
                                    whole.values.cols, " as in the cells before")});
  }
}

void CheckValues(const ControlMatrix& part, const ControlMatrix& whole, ControlFaults* faults) {
  const auto& values = part.values.values;
  const auto bad = std::find_if(values.begin(), values.end(),
                                [](float value) { return !std::isfinite(value) || value < 0; });
  if (bad != values.end()) {
    faults->push_back(
        {"matrix", "INVALID_VALUE",
         absl::StrCat(PlaceOf(bad - values.begin(), part, whole), ": found the value ", *bad,
                      ", expected finite values of 0 or more")});
    return;
  }
  const auto kind = DecideMatrixKind(part.values, MatrixKindName(whole.kind), false);
  if (!kind.ok()) {
    faults->push_back({"matrix", "INVALID_VALUE", std::string(kind.status().message())});
  }
}

// Returns whether barcodes or library sizes come for all cells, of this part and of those before,
// or for none.
bool CheckCount(const std::string& field, size_t found, size_t before, const ControlMatrix& part,
                const ControlMatrix& whole, ControlFaults* faults) {
  const bool wanted = whole.values.rows == 0 ? found > 0 : before > 0;
  const int64_t expected = wanted ? part.values.rows : 0;
  if (static_cast<int64_t>(found) == expected) return true;
  faults->push_back(
      {field, "INVALID_SHAPE",
       absl::StrCat("found ", found, " entries, expected ", expected, " for ", part.values.rows,
                    " cells", whole.values.rows > 0 ? " as in the cells before" : "")});
  return false;
}

void CheckLibrarySizes(const ControlMatrix& part, const ControlMatrix& whole,
                       ControlFaults* faults) {
  if (!CheckCount("library_sizes", part.library_sizes.size(), whole.library_sizes.size(), part,
                  whole, faults)) {
    return;
  }
  for (const double size : part.library_sizes) {
    // A cell has one count at least; smaller sizes would make its values as large as one likes.
    if (std::isfinite(size) && size >= 1) continue;
    faults->push_back({"library_sizes", "INVALID_VALUE",
                       absl::StrCat("found ", size, ", expected finite values of 1 or more")});
    break;
  }
  if (!part.library_sizes.empty() && whole.kind != MatrixKind::kCounts) {
    faults->push_back({"library_sizes", "INVALID_OPTION",
                       "found library sizes with log1p values, expected them with counts only"});
  }
}

template <typename T>
void MoveToEnd(std::vector<T>* from, std::vector<T>* to) {
  if (to->empty()) {
    *to = std::move(*from);
  } else {
    to->insert(to->end(), std::make_move_iterator(from->begin()),
               std::make_move_iterator(from->end()));
  }
}

}  // namespace

int64_t ControlMatrix::Bytes() const {
  return static_cast<int64_t>(values.indptr.size() * sizeof(int64_t) +
                              values.indices.size() * (sizeof(int32_t) + sizeof(float)) +
                              library_sizes.size() * sizeof(double)) +
         BytesOf(genes) + BytesOf(cell_types) + BytesOf(barcodes);
}

void CheckGenes(const std::vector<std::string>& genes, ControlFaults* faults) {
  if (genes.empty()) {
    faults->push_back({"genes", "INVALID_SHAPE", "found no names, expected one per column"});
  }
  std::unordered_set<std::string> seen;
  for (const std::string& gene : genes) {
    if (seen.insert(gene).second) continue;
    faults->push_back({"genes", "DUPLICATE_GENE",
                       absl::StrCat("found '", gene, "' twice, expected distinct names")});
    return;
  }
}

void AppendCells(ControlMatrix part, ControlMatrix* whole, ControlFaults* faults) {
  if (part.values.rows == 0) {
    faults->push_back({"matrix", "NO_CELLS", "found no cells, expected one or more"});
    return;
  }
  const size_t before = faults->size();
  if (part.cell_types.empty() && !whole->new_context.empty()) {
    part.cell_types.assign(part.values.rows, whole->new_context);
  }
  CheckShape(part, *whole, faults);
  CheckValues(part, *whole, faults);
  if (static_cast<int64_t>(part.cell_types.size()) != part.values.rows) {
    faults->push_back({"cell_types", "INVALID_SHAPE",
                       absl::StrCat("found ", part.cell_types.size(), " entries, expected ",
                                    part.values.rows, ", one per cell, or one for all")});
  }
  CheckCount("cell_ids", part.barcodes.size(), whole->barcodes.size(), part, *whole, faults);
  CheckLibrarySizes(part, *whole, faults);
  if (faults->size() > before) return;
  MoveToEnd(&part.cell_types, &whole->cell_types);
  MoveToEnd(&part.barcodes, &whole->barcodes);
  MoveToEnd(&part.library_sizes, &whole->library_sizes);
  if (whole->values.rows == 0) {
    whole->values = std::move(part.values);
  } else {
    AppendRows(part.values, &whole->values);
  }
}

absl::Status ToStatus(const ControlFaults& faults) {
  if (faults.empty()) return absl::OkStatus();
  const std::string all = absl::StrJoin(faults, "; ", [](std::string* out, const auto& fault) {
    absl::StrAppend(out, fault.field, ": ", fault.message);
  });
  return WithReason(absl::InvalidArgumentError(all), faults.front().reason);
}

}  // namespace unlasting::cells
