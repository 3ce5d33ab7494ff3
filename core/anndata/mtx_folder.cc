#include "core/anndata/mtx_folder.h"

#include <algorithm>
#include <filesystem>
#include <new>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/anndata/cell_table.h"
#include "core/anndata/feature_barcode.h"
#include "core/anndata/mtx_rows.h"
#include "core/anndata/mtx_stream.h"
#include "core/anndata/text_lines.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

constexpr char kMatrix[] = "matrix.mtx";

bool IsMatrixName(const std::string& name) {
  return absl::EndsWith(name, ".mtx") || absl::EndsWith(name, ".mtx.gz");
}

// The matrix of a folder: matrix.mtx, or the only file whose name ends so.
absl::StatusOr<std::string> FindMatrix(const std::string& folder) {
  Strings matrices;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name == kMatrix || name == absl::StrCat(kMatrix, ".gz")) return entry.path().string();
    if (absl::EndsWith(name, kMatrix) || absl::EndsWith(name, absl::StrCat(kMatrix, ".gz"))) {
      matrices.push_back(name);
    }
  }
  if (matrices.size() == 1) return (fs::path(folder) / matrices[0]).string();
  if (!matrices.empty()) {
    std::sort(matrices.begin(), matrices.end());
    return absl::InvalidArgumentError(absl::StrCat(folder, ": found the matrices ",
                                                   absl::StrJoin(matrices, ", "),
                                                   ", expected one; give the path of one of them"));
  }
  if (fs::exists(fs::path(folder) / ".zgroup", error) ||
      fs::exists(fs::path(folder) / "zarr.json", error)) {
    return absl::UnimplementedError(absl::StrCat(
        folder, ": is a Zarr store, expected an .h5ad file; write it with AnnData.write_h5ad"));
  }
  return absl::NotFoundError(
      absl::StrCat(folder,
                   ": is a folder without matrix.mtx or matrix.mtx.gz; expected an .h5ad "
                   "file, a 10x .h5 file or the folder of a matrix.mtx"));
}

// The file of one of `names` after the prefix, as it is or with .gz.
absl::StatusOr<std::string> FindBeside(const std::string& matrix, const std::string& prefix,
                                       const Strings& names) {
  for (const auto& name : names) {
    for (const char* end : {"", ".gz"}) {
      const std::string path = absl::StrCat(prefix, name, end);
      std::error_code error;
      if (fs::is_regular_file(path, error)) return path;
    }
  }
  return absl::NotFoundError(absl::StrCat(matrix, ": expected ", prefix,
                                          absl::StrJoin(names, " or "),
                                          " (or .gz) beside it, found neither"));
}

absl::StatusOr<std::vector<Strings>> ReadColumns(const std::string& path, size_t max_columns) {
  UNLASTING_ASSIGN_OR_RETURN(TextLines lines, TextLines::Open(path));
  std::vector<Strings> columns;
  absl::string_view line;
  while (true) {
    UNLASTING_ASSIGN_OR_RETURN(const bool more, lines.Next(&line));
    if (!more) return columns;
    auto fields = SplitFields(line, '\t');
    if (!fields.ok()) {
      return Annotate(fields.status(), absl::StrCat(path, ": line ", lines.line_number()));
    }
    fields->resize(std::min(fields->size(), max_columns));
    if (columns.empty()) columns.resize(fields->size());
    if (fields->size() != columns.size() || fields->front().empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": line ", lines.line_number(), ": found ",
          fields->front().empty() ? "no name" : absl::StrCat(fields->size(), " fields"),
          ", expected ", columns.size(), " fields as on line 1"));
    }
    for (size_t k = 0; k < columns.size(); ++k) columns[k].push_back(std::move((*fields)[k]));
  }
}

absl::StatusOr<FeatureTable> ReadFeatures(const std::string& path) {
  constexpr size_t kIdNameType = 3;
  UNLASTING_ASSIGN_OR_RETURN(auto columns, ReadColumns(path, kIdNameType));
  FeatureTable features;
  if (columns.empty()) return features;
  features.names = columns[columns.size() > 1 ? 1 : 0];
  if (columns.size() == kIdNameType) features.types = std::move(columns[2]);
  features.ids = std::move(columns[0]);
  return features;
}

// Whether the rows of the file are cells. INVALID_ARGUMENT where neither way fits.
absl::StatusOr<bool> RowsAreCells(const std::string& matrix, const MtxStream& stream,
                                  int64_t features, int64_t cells) {
  if (stream.rows() == features && stream.cols() == cells) return false;
  if (stream.rows() == cells && stream.cols() == features) return true;
  return absl::InvalidArgumentError(absl::StrCat(
      matrix, ": found ", stream.rows(), " x ", stream.cols(), ", expected ", features, " x ",
      cells, " (", features, " features, ", cells, " barcodes in the files beside it)"));
}

absl::StatusOr<FeatureBarcodeData> ReadParts(const std::string& matrix) {
  std::string prefix = matrix;
  for (const char* end : {".gz", kMatrix, ".mtx"}) {
    if (absl::EndsWith(prefix, end)) prefix.resize(prefix.size() - std::string(end).size());
  }
  FeatureBarcodeData data;
  data.format = FileFormat::kMtx;
  UNLASTING_ASSIGN_OR_RETURN(const std::string barcodes_path,
                             FindBeside(matrix, prefix, {"barcodes.tsv"}));
  UNLASTING_ASSIGN_OR_RETURN(const std::string features_path,
                             FindBeside(matrix, prefix, {"features.tsv", "genes.tsv"}));
  UNLASTING_ASSIGN_OR_RETURN(auto barcodes, ReadColumns(barcodes_path, 1));
  if (!barcodes.empty()) data.barcodes = std::move(barcodes[0]);
  UNLASTING_ASSIGN_OR_RETURN(data.features, ReadFeatures(features_path));
  UNLASTING_ASSIGN_OR_RETURN(MtxStream stream, MtxStream::Open(matrix));
  UNLASTING_ASSIGN_OR_RETURN(
      const bool rows_are_cells,
      RowsAreCells(matrix, stream, static_cast<int64_t>(data.features.ids.size()),
                   static_cast<int64_t>(data.barcodes.size())));
  data.matrix = std::make_unique<MtxRows>(std::move(stream), matrix, rows_are_cells);
  data.prefixes = {prefix, (fs::path(matrix).parent_path() / "").string()};
  return data;
}

}  // namespace

bool IsMtxPath(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error) || IsMatrixName(path);
}

absl::StatusOr<std::unique_ptr<Reader>> OpenMtxFolder(const std::string& path,
                                                      const std::string& obs_table) {
  try {
    std::string matrix = path;
    std::error_code error;
    if (fs::is_directory(path, error)) {
      UNLASTING_ASSIGN_OR_RETURN(matrix, FindMatrix(path));
    }
    UNLASTING_ASSIGN_OR_RETURN(auto data, ReadParts(matrix));
    return MakeFeatureBarcodeReader(path, std::move(data), obs_table);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(path, ": does not fit into memory"));
  }
}

}  // namespace unlasting::anndata
