// Reader reads the elements of one file or folder of single-cell expression data for the rooms that
// need cells, whatever its format is. OpenReader (open_reader.h) makes the one that fits a path.
//
// Errors name the file and the element: NOT_FOUND for a file or element that is absent,
// INVALID_ARGUMENT for one that is malformed, UNIMPLEMENTED for an encoding that this software does
// not read, FAILED_PRECONDITION for an HDF5 filter that is not installed. A file of which a part is
// left out, such as a column of an unknown encoding, is read with a warning (warnings.h). A Reader
// holds its file open until it is destroyed and is not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/anndata/anndata.h"

namespace unlasting::anndata {

enum class FileFormat { kH5ad, kTenXH5, kMtx };
// h5ad, 10x_h5 or mtx.
const char* FileFormatName(FileFormat format);

class Reader {
 public:
  virtual ~Reader() = default;

  virtual const std::string& path() const = 0;
  virtual FileFormat format() const = 0;
  virtual int64_t n_obs() const = 0;
  virtual int64_t n_vars() const = 0;

  // How an element is stored: "dense", "csr" or "csc". 10x .h5 files and MTX folders, which have X
  // alone, are "csr": they are stored by cell.
  virtual absl::StatusOr<std::string> MatrixEncoding(const std::string& element) = 0;

  virtual absl::StatusOr<DataFrame> ReadObs() = 0;
  virtual absl::StatusOr<DataFrame> ReadVar() = 0;
  // The genes of `raw`, which may be more than those of X.
  virtual absl::StatusOr<DataFrame> ReadRawVar() = 0;
  // Element: "X", "layers/NAME", "obsm/NAME", "varm/NAME", "obsp/NAME", "varp/NAME", "raw/X". Where
  // X is None and there is one layer, "X" means that layer, and a warning says so.
  // Sparse elements come as CSR with sorted columns (CSC is transposed, duplicates are summed),
  // dense ones as dense; float64 and integers are narrowed to float32.
  virtual absl::StatusOr<Matrix> ReadMatrix(const std::string& element) = 0;
  // Rows [first, first + count) of such an element as CSR, for files larger than memory: what is
  // kept between calls is 8 bytes a row, and of a CSC element a window of rows with at most 2^25
  // values (256 MB), each of which costs a pass over the element; the same holds of an MTX file
  // that is not sorted by cell. OUT_OF_RANGE beyond the last row. Cheapest in rising order.
  virtual absl::StatusOr<CsrMatrix> ReadRows(const std::string& element, int64_t first,
                                             int64_t count) = 0;
  // [rows, columns] of an element, without reading its values.
  virtual absl::StatusOr<std::pair<int64_t, int64_t>> MatrixShape(const std::string& element) = 0;
  virtual absl::StatusOr<nlohmann::json> ReadUns() = 0;
  // Names below "layers", "obsm", ... ; empty where the group is absent.
  virtual std::vector<std::string> List(const std::string& group) = 0;
  // False also where the element is None.
  virtual bool Has(const std::string& element) = 0;
};

}  // namespace unlasting::anndata
