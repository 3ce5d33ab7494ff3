#include "core/anndata/write_check.h"

#include <set>

#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

// HDF5 takes a slash for a path, a single point for the group itself and a zero byte for the end.
absl::Status CheckName(const std::string& element, const std::string& name) {
  if (!name.empty() && name != "." && name.find('/') == std::string::npos &&
      name.find('\0') == std::string::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      element, ": found the name '", name, "', expected one without slashes that is not empty"));
}

absl::Status CheckFrame(const std::string& element, const DataFrame& frame, int64_t expected) {
  if (static_cast<int64_t>(frame.index.size()) != expected) {
    return absl::InvalidArgumentError(
        absl::StrCat(element, ": found ", frame.index.size(), " names, expected ", expected));
  }
  // The index is written under this name.
  std::set<std::string> seen = {"_index"};
  for (const auto& [name, column] : frame.columns) {
    UNLASTING_RETURN_IF_ERROR(CheckName(element, name));
    const std::string path = absl::StrCat(element, "/", name);
    if (!seen.insert(name).second) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": found a name that is taken"));
    }
    if (Length(column) != expected) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": found ", Length(column), " rows, expected ", expected));
    }
    const auto* categorical = std::get_if<Categorical>(&column);
    if (categorical == nullptr) continue;
    const auto count = static_cast<int64_t>(categorical->categories.size());
    for (const int32_t code : categorical->codes) {
      if (code >= -1 && code < count) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": found the code ", code, ", expected -1 to ", count - 1));
    }
  }
  return absl::OkStatus();
}

bool HoldsInvariants(const DenseMatrix& matrix) {
  return matrix.rows >= 0 && matrix.cols >= 0 &&
         static_cast<int64_t>(matrix.values.size()) == matrix.rows * matrix.cols;
}

bool HoldsInvariants(const CsrMatrix& matrix) {
  const auto stored = static_cast<int64_t>(matrix.indices.size());
  if (matrix.rows < 0 || static_cast<int64_t>(matrix.indptr.size()) != matrix.rows + 1 ||
      matrix.indptr.front() != 0 || matrix.indptr.back() != stored ||
      matrix.values.size() != matrix.indices.size()) {
    return false;
  }
  // All bounds before any row: an indptr that rises first and falls later points outside.
  for (int64_t r = 0; r < matrix.rows; ++r) {
    if (matrix.indptr[r] > matrix.indptr[r + 1] || matrix.indptr[r + 1] > stored) return false;
  }
  for (int64_t r = 0; r < matrix.rows; ++r) {
    int64_t least = 0;
    for (const int32_t column : matrix.RowIndices(r)) {
      if (column < least || column >= matrix.cols) return false;
      least = int64_t{column} + 1;
    }
  }
  return true;
}

// `cols` of -1 is any.
absl::Status CheckMatrix(const std::string& element, const Matrix& matrix, int64_t rows,
                         int64_t cols) {
  if (Rows(matrix) != rows || (cols >= 0 && Cols(matrix) != cols)) {
    return absl::InvalidArgumentError(absl::StrCat(element, ": found ", Rows(matrix), " x ",
                                                   Cols(matrix), ", expected ", rows, " x ",
                                                   cols >= 0 ? absl::StrCat(cols) : "any"));
  }
  if (std::visit([](const auto& m) { return HoldsInvariants(m); }, matrix)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(element, ": its arrays do not make a matrix of ", rows, " rows"));
}

absl::Status CheckGroup(const std::string& group, const std::map<std::string, Matrix>& matrices,
                        int64_t rows, int64_t cols) {
  for (const auto& [name, matrix] : matrices) {
    UNLASTING_RETURN_IF_ERROR(CheckName(group, name));
    UNLASTING_RETURN_IF_ERROR(CheckMatrix(absl::StrCat(group, "/", name), matrix, rows, cols));
  }
  return absl::OkStatus();
}

absl::Status CheckNames(const std::string& element, const nlohmann::json& mapping) {
  if (!mapping.is_object()) return absl::OkStatus();
  for (const auto& [name, value] : mapping.items()) {
    UNLASTING_RETURN_IF_ERROR(CheckName(element, name));
    UNLASTING_RETURN_IF_ERROR(CheckNames(absl::StrCat(element, "/", name), value));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckWritable(const AnnData& data) {
  const int64_t cells = Rows(data.x), genes = Cols(data.x);
  UNLASTING_RETURN_IF_ERROR(CheckMatrix("X", data.x, cells, genes));
  UNLASTING_RETURN_IF_ERROR(CheckFrame("obs", data.obs, cells));
  UNLASTING_RETURN_IF_ERROR(CheckFrame("var", data.var, genes));
  UNLASTING_RETURN_IF_ERROR(CheckGroup("layers", data.layers, cells, genes));
  UNLASTING_RETURN_IF_ERROR(CheckGroup("obsm", data.obsm, cells, -1));
  UNLASTING_RETURN_IF_ERROR(CheckGroup("varm", data.varm, genes, -1));
  UNLASTING_RETURN_IF_ERROR(CheckGroup("obsp", data.obsp, cells, cells));
  UNLASTING_RETURN_IF_ERROR(CheckGroup("varp", data.varp, genes, genes));
  return CheckNames("uns", data.uns);
}

}  // namespace unlasting::anndata
