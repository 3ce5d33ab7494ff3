// MtxRows gives rows of cells from a Matrix Market file. Private to core/anndata.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/anndata/feature_barcode.h"
#include "core/anndata/mtx_stream.h"

namespace unlasting::anndata {

// The first read counts the entries of every cell by a pass over the file, which also finds
// whatever is malformed. After that, a file whose entries are sorted by cell, as Cell Ranger writes
// it, is read along with the rows that are asked for, and from its beginning where they go back. Of
// any other file a window of rows with at most `max_held` values is kept, each of which costs a
// pass; more than one window is warned of. Memory: 8 bytes per cell, and 8 bytes per value that is
// held.
class MtxRows : public FeatureBarcodeMatrix {
 public:
  static constexpr int64_t kMaxHeld = int64_t{1} << 25;

  // `by_row`: the rows of the file are cells, not its columns.
  MtxRows(MtxStream stream, std::string path, bool by_row, int64_t max_held = kMaxHeld);

  absl::StatusOr<CsrMatrix> Read(int64_t first, int64_t count) override;

 private:
  struct Value {
    int32_t cell = 0;
    int32_t feature = 0;
    float value = 0;
  };
  // False after the last one.
  absl::StatusOr<bool> Next(Value* value);
  absl::Status Count();
  // Holds rows [first, last) and, of a file that is not sorted, as many more as `max_held` allows.
  absl::Status LoadWindow(int64_t first, int64_t last);

  MtxStream stream_;
  std::string path_;
  bool by_row_;
  int64_t max_held_;
  int64_t cells_;
  int64_t features_;
  bool counted_ = false;
  bool sorted_ = true;             // by cell
  std::vector<int64_t> row_ends_;  // [cells + 1]: where each cell's entries end
  // A sorted file's next value, read already; it lies in a cell beyond the window.
  bool pending_ = false;
  Value pending_value_;
  int64_t stream_cell_ = 0;  // all values of the cells before have been read
  int64_t window_first_ = 0, window_last_ = 0;
  std::vector<int32_t> window_features_;  // of the window's values, row by row
  std::vector<float> window_values_;
};

}  // namespace unlasting::anndata
