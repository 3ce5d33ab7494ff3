#include "core/cells/row_source.h"

#include <algorithm>

#include "core/base/status.h"

namespace unlasting::cells {
namespace {

constexpr int64_t kBlockValues = 1 << 24;

}  // namespace

FileRows::FileRows(anndata::Reader* reader, std::string element, int64_t rows, int64_t cols,
                   Progress progress)
    : reader_(reader),
      element_(std::move(element)),
      rows_(rows),
      cols_(cols),
      progress_(std::move(progress)) {}

absl::Status FileRows::ForEachBlock(const Visit& visit) {
  const int64_t step = std::clamp<int64_t>(kBlockValues / std::max<int64_t>(cols_, 1), 64, 1 << 16);
  for (int64_t first = 0; first < rows_; first += step) {
    const int64_t count = std::min(step, rows_ - first);
    UNLASTING_ASSIGN_OR_RETURN(const CsrMatrix block, reader_->ReadRows(element_, first, count));
    UNLASTING_RETURN_IF_ERROR(visit(first, block));
    if (progress_) progress_(first + count);
  }
  return absl::OkStatus();
}

void AppendRows(const CsrMatrix& block, CsrMatrix* matrix) {
  const int64_t before = matrix->indptr.back();
  matrix->indices.insert(matrix->indices.end(), block.indices.begin(), block.indices.end());
  matrix->values.insert(matrix->values.end(), block.values.begin(), block.values.end());
  for (int64_t r = 1; r <= block.rows; ++r) matrix->indptr.push_back(before + block.indptr[r]);
  matrix->rows += block.rows;
}

}  // namespace unlasting::cells
