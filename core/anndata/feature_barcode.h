// MakeFeatureBarcodeReader makes the Reader of Cell Ranger's two formats, the 10x .h5 file and the
// MTX folder: counts of features in barcodes, from which it makes cells with genes. Private to
// core/anndata.
//
// As scanpy's read_10x_h5 and read_10x_mtx do, it takes the features of the type 'Gene Expression'
// where there are others besides (antibodies, guides), and names genes by their symbols; what it
// leaves out or renames it warns of. var holds gene_ids, and feature_types and genome where the
// file says them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/anndata/reader.h"
#include "core/base/matrix.h"

namespace unlasting::anndata {

// The features as the file lists them. `types` and `genomes` are empty where the file has none.
struct FeatureTable {
  std::vector<std::string> ids;
  std::vector<std::string> names;
  std::vector<std::string> types;
  std::vector<std::string> genomes;
};

// The counts as the file stores them: rows are barcodes, columns are all features of the file.
class FeatureBarcodeMatrix {
 public:
  virtual ~FeatureBarcodeMatrix() = default;
  // Rows [first, first + count), which are there, in canonical form. Cheapest in rising order.
  // Errors name the file.
  virtual absl::StatusOr<CsrMatrix> Read(int64_t first, int64_t count) = 0;
};

struct FeatureBarcodeData {
  FileFormat format = FileFormat::kTenXH5;
  std::vector<std::string> barcodes;
  FeatureTable features;
  std::unique_ptr<FeatureBarcodeMatrix> matrix;
  // What may stand before obs.tsv or metadata.tsv in the path of the table of cells beside the
  // data: a folder and its slash, or more. The first one with a table counts.
  std::vector<std::string> prefixes;
};

// `obs_table` as in OpenOptions. The matrix must be as large as barcodes and features say.
absl::StatusOr<std::unique_ptr<Reader>> MakeFeatureBarcodeReader(const std::string& path,
                                                                 FeatureBarcodeData data,
                                                                 const std::string& obs_table);

}  // namespace unlasting::anndata
