// NormalisedFile gives the cells of a file on the scale of a bundle or of another file for scoring.
// Only the rows that are asked for are held, so that the file may be larger than memory.
//
//   UNLASTING_ASSIGN_OR_RETURN(auto file, NormalisedFile::Open("cells.h5ad", load));
//   ChosenRows chosen(file->annotations().n_cells());
//   chosen.Want(control_cells);
//   UNLASTING_RETURN_IF_ERROR(file->ForEachBlock(genes, target_sum, [&](int64_t first,
//                                                                       const CsrMatrix& block) {
//     chosen.Take(first, block);
//     return absl::OkStatus();
//   }));
//   const DenseMatrix control = chosen.Dense(control_cells);
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/cells/dataset.h"
#include "core/cells/log_scale.h"
#include "core/cells/row_source.h"

namespace unlasting::cells {

// One thread at a time. All errors name the file.
class NormalisedFile {
 public:
  // Reads obs and var, and passes over the values once to tell counts from logarithms and to sum
  // rows. Errors as LoadDataset's.
  static absl::StatusOr<std::unique_ptr<NormalisedFile>> Open(const std::string& path,
                                                              const LoadOptions& load);

  // All but the values: `values` has the file's shape and stores nothing; `kind` is the file's.
  const Dataset& annotations() const { return annotations_; }
  // Per cell: what the column says, else the row's sum.
  const std::vector<double>& library_sizes() const { return library_sizes_; }

  // Of logarithms: the scale that they are on in the file.
  const LogScale& scale() const { return scale_; }
  // What was seen of the values, in one pass.
  const ValueRange& range() const { return range_; }

  // One pass: blocks of rows in order, [rows, genes] log1p values in the order of `genes` (names of
  // var, or symbols). Counts are normalised to `target_sum`; logarithms become natural ones, and
  // are rescaled to `target_sum` where the sum that they were normalised to is known. NOT_FOUND
  // where a gene is missing, INVALID_ARGUMENT for counts without a target sum.
  absl::Status ForEachBlock(const std::vector<std::string>& genes, double target_sum,
                            const RowSource::Visit& visit);

 private:
  NormalisedFile() = default;
  absl::Status Initialise(const LoadOptions& load);
  absl::Status Pass(const std::vector<std::string>& genes, double target_sum,
                    const RowSource::Visit& visit);

  std::string path_;
  std::unique_ptr<anndata::Reader> reader_;
  std::unique_ptr<FileRows> rows_;
  Dataset annotations_;
  std::vector<double> library_sizes_;
  LogScale scale_;
  ValueRange range_;
};

// Reads the whole file in this way, with `genes` as its genes.
absl::StatusOr<Dataset> LoadNormalised(const std::string& path, const LoadOptions& load,
                                       const std::vector<std::string>& genes, double target_sum);

// ChosenRows keeps chosen rows of a matrix that is read block by block.
class ChosenRows {
 public:
  explicit ChosenRows(int64_t rows) : places_(rows, {kUnwanted, 0}) {}

  void Want(absl::Span<const int64_t> rows);
  // `block` holds the rows from `first` on.
  void Take(int64_t first, const CsrMatrix& block);
  // Rows in the order given. Each must have been wanted before its block was taken.
  DenseMatrix Dense(absl::Span<const int64_t> rows) const;

 private:
  static constexpr int32_t kUnwanted = -1, kWanted = -2;
  std::vector<std::pair<int32_t, int32_t>> places_;  // per row: which of parts_, and its row there
  std::vector<CsrMatrix> parts_;                     // one per block: growing one matrix copies it
  int64_t cols_ = 0;
};

}  // namespace unlasting::cells
