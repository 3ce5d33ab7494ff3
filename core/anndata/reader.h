// Reads .h5ad files: AnnData encodings 0.1.0 and 0.2.0, legacy categoricals (`__categories`),
// tables before 0.7, h5sparse groups; dense, CSR and CSC matrices; gzip and LZF.
//
//   UNLASTING_ASSIGN_OR_RETURN(auto reader, anndata::Reader::Open("cells.h5ad"));
//   UNLASTING_ASSIGN_OR_RETURN(auto obs, reader->ReadObs());
//   UNLASTING_ASSIGN_OR_RETURN(auto x, reader->ReadMatrix("X"));
//
// Errors (all name the file and the element): NOT_FOUND for a file or element that is absent,
// INVALID_ARGUMENT for one that is malformed, UNIMPLEMENTED for an encoding or HDF5 filter that
// this build cannot read. A Reader is not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/anndata/anndata.h"

namespace unlasting::anndata {

class Reader {
 public:
  static absl::StatusOr<std::unique_ptr<Reader>> Open(const std::string& path);
  virtual ~Reader() = default;

  virtual const std::string& path() const = 0;
  virtual int64_t n_obs() const = 0;
  virtual int64_t n_vars() const = 0;

  // How X is stored: "dense", "csr" or "csc".
  virtual absl::StatusOr<std::string> MatrixEncoding(const std::string& element) = 0;

  virtual absl::StatusOr<DataFrame> ReadObs() = 0;
  virtual absl::StatusOr<DataFrame> ReadVar() = 0;
  // The genes of `raw`, which may be more than those of X.
  virtual absl::StatusOr<DataFrame> ReadRawVar() = 0;
  // Element: "X", "layers/NAME", "obsm/NAME", "varm/NAME", "obsp/NAME", "varp/NAME", "raw/X".
  // Sparse elements come as CSR with sorted columns (CSC is transposed, duplicates are summed),
  // dense ones as dense; float64 and integers are narrowed to float32.
  virtual absl::StatusOr<Matrix> ReadMatrix(const std::string& element) = 0;
  // Rows [first, first + count) of such an element as CSR, for files larger than memory: what is
  // kept between calls is 8 bytes a row, and of a CSC element a window of rows with at most 2^25
  // values (256 MB), each of which costs a pass over the element. OUT_OF_RANGE beyond the last row.
  // Cheapest in rising order.
  virtual absl::StatusOr<CsrMatrix> ReadRows(const std::string& element, int64_t first,
                                             int64_t count) = 0;
  // [rows, columns] of an element, without reading its values.
  virtual absl::StatusOr<std::pair<int64_t, int64_t>> MatrixShape(const std::string& element) = 0;
  virtual absl::StatusOr<nlohmann::json> ReadUns() = 0;
  // Names below "layers", "obsm", ... ; empty where the group is absent.
  virtual std::vector<std::string> List(const std::string& group) = 0;
  virtual bool Has(const std::string& element) = 0;
};

// Everything in the file, `raw` left out.
absl::StatusOr<AnnData> ReadAnnData(const std::string& path);

}  // namespace unlasting::anndata
