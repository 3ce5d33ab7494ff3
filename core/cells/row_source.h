// RowSource gives the rows of an expression matrix block by block, as often as asked, from memory
// or from a file that may be larger than memory, for passes that gather statistics or select genes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "core/anndata/reader.h"
#include "core/base/matrix.h"

namespace unlasting::cells {

class RowSource {
 public:
  // `block` holds the rows from `first` on; an error ends the pass and is returned by it.
  using Visit = std::function<absl::Status(int64_t first, const CsrMatrix& block)>;

  virtual ~RowSource() = default;
  // All rows in order.
  virtual absl::Status ForEachBlock(const Visit& visit) = 0;
  virtual int64_t rows() const = 0;
  virtual int64_t cols() const = 0;
};

// One block: the matrix itself, which must outlive the source.
class MemoryRows : public RowSource {
 public:
  explicit MemoryRows(const CsrMatrix& matrix) : matrix_(matrix) {}
  absl::Status ForEachBlock(const Visit& visit) override { return visit(0, matrix_); }
  int64_t rows() const override { return matrix_.rows; }
  int64_t cols() const override { return matrix_.cols; }

 private:
  const CsrMatrix& matrix_;
};

// Blocks of about 64 MB where dense, from an element of a file. The reader must outlive the source.
class FileRows : public RowSource {
 public:
  // Called after each block with the rows of this pass that are done.
  using Progress = std::function<void(int64_t rows_done)>;

  FileRows(anndata::Reader* reader, std::string element, int64_t rows, int64_t cols,
           Progress progress = nullptr);
  absl::Status ForEachBlock(const Visit& visit) override;
  int64_t rows() const override { return rows_; }
  int64_t cols() const override { return cols_; }

 private:
  anndata::Reader* reader_;
  std::string element_;
  int64_t rows_;
  int64_t cols_;
  Progress progress_;
};

// Adds the rows of a block, as wide as `matrix`, below its own.
void AppendRows(const CsrMatrix& block, CsrMatrix* matrix);

}  // namespace unlasting::cells
