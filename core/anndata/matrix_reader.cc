#include <algorithm>
#include <numeric>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "core/anndata/elements.h"
#include "core/anndata/matrix_parts.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

absl::Status Malformed(const std::string& element, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat(element, ": ", why));
}

std::string FormatOf(const Handle& object) {
  const std::string encoding = StringAttribute(object.get(), "encoding-type");
  if (encoding == "csr_matrix") return "csr";
  if (encoding == "csc_matrix") return "csc";
  return StringAttribute(object.get(), "h5sparse_format");
}

template <typename T>
absl::StatusOr<std::vector<T>> ReadMember(const Handle& group, const std::string& element,
                                          const char* name) {
  UNLASTING_ASSIGN_OR_RETURN(const Handle dataset, OpenMember(group, element, name));
  auto values = [&] {
    if constexpr (std::is_integral_v<T>) {
      return ReadIntegers<T>(dataset.get());
    } else {
      return ReadNumbers<T>(dataset.get());
    }
  }();
  if (!values.ok()) return Annotate(values.status(), absl::StrCat(element, "/", name));
  return values;
}

// Reads and checks the three arrays of `major` compressed rows (or columns) of width `minor`.
absl::StatusOr<Compressed> ReadCompressed(const Handle& group, const std::string& element,
                                          int64_t major, int64_t minor) {
  Compressed c;
  UNLASTING_ASSIGN_OR_RETURN(c.indptr, ReadMember<int64_t>(group, element, "indptr"));
  if (static_cast<int64_t>(c.indptr.size()) != major + 1) {
    return Malformed(
        element, absl::StrCat("indptr has ", c.indptr.size(), " entries, expected ", major + 1));
  }
  UNLASTING_ASSIGN_OR_RETURN(c.indices, ReadMember<int32_t>(group, element, "indices"));
  UNLASTING_ASSIGN_OR_RETURN(c.values, ReadMember<float>(group, element, "data"));
  const auto stored = static_cast<int64_t>(c.values.size());
  if (static_cast<int64_t>(c.indices.size()) != stored) {
    return Malformed(element,
                     absl::StrCat("has ", c.indices.size(), " indices for ", stored, " values"));
  }
  if (c.indptr.front() != 0 || c.indptr.back() != stored ||
      !std::is_sorted(c.indptr.begin(), c.indptr.end())) {
    return Malformed(element, absl::StrCat("indptr must rise from 0 to ", stored));
  }
  UNLASTING_RETURN_IF_ERROR(CheckIndices(c.indices, minor, element));
  return c;
}

absl::StatusOr<Matrix> ReadDense(const Handle& dataset, const std::string& element) {
  std::vector<hsize_t> shape = Shape(dataset.get());
  if (shape.size() == 1) shape.push_back(1);
  if (shape.size() != 2) {
    return Malformed(element, absl::StrCat("found ", shape.size(), " axes, expected 2"));
  }
  auto values = ReadNumbers<float>(dataset.get());
  if (!values.ok()) return Annotate(values.status(), element);
  DenseMatrix matrix;
  matrix.rows = static_cast<int64_t>(shape[0]);
  matrix.cols = static_cast<int64_t>(shape[1]);
  matrix.values = *std::move(values);
  return Matrix(std::move(matrix));
}

}  // namespace

absl::StatusOr<Handle> OpenObject(hid_t file, const std::string& element) {
  if (!LinkExists(file, element)) return absl::NotFoundError(absl::StrCat(element, ": is absent"));
  Handle object(H5Oopen(file, element.c_str(), H5P_DEFAULT));
  if (!object.ok()) return Malformed(element, "cannot be opened");
  return object;
}

absl::StatusOr<Handle> OpenMember(const Handle& group, const std::string& element,
                                  const char* name) {
  if (!LinkExists(group.get(), name)) {
    return Malformed(element, absl::StrCat("lacks '", name, "'"));
  }
  Handle dataset(H5Dopen2(group.get(), name, H5P_DEFAULT));
  if (!dataset.ok()) return Malformed(element, absl::StrCat("'", name, "' is not a dataset"));
  return dataset;
}

absl::StatusOr<std::pair<int64_t, int64_t>> SparseShape(const Handle& group,
                                                        const std::string& element) {
  auto shape = IntegersAttribute(group.get(), "shape");
  if (shape.empty()) shape = IntegersAttribute(group.get(), "h5sparse_shape");
  constexpr int64_t kMaxKept = int64_t{1} << 31;
  if (shape.size() != 2 || shape[0] < 0 || shape[1] < 0 || shape[0] >= kMaxKept ||
      shape[1] >= kMaxKept) {
    return Malformed(element, "expected an attribute 'shape' of two sizes");
  }
  return std::make_pair(shape[0], shape[1]);
}

absl::StatusOr<std::string> EncodingOf(hid_t file, const std::string& element) {
  UNLASTING_ASSIGN_OR_RETURN(const Handle object, OpenObject(file, element));
  if (H5Iget_type(object.get()) == H5I_DATASET) {
    if (IsNull(object.get())) {
      return absl::UnimplementedError(absl::StrCat(element, ": is None, expected a matrix"));
    }
    const size_t axes = Shape(object.get()).size();
    if (axes == 1 || axes == 2) return std::string("dense");
    return absl::UnimplementedError(
        absl::StrCat(element, ": found ", axes, " axes, expected a matrix of 2"));
  }
  const std::string format = FormatOf(object);
  if (format == "csr" || format == "csc") return format;
  return absl::UnimplementedError(absl::StrCat(
      element, ": encoding '", StringAttribute(object.get(), "encoding-type"),
      "' is not one that is read as a matrix, expected array, csr_matrix or csc_matrix"));
}

absl::StatusOr<std::pair<int64_t, int64_t>> ShapeOfElement(hid_t file, const std::string& element) {
  UNLASTING_ASSIGN_OR_RETURN(const std::string encoding, EncodingOf(file, element));
  UNLASTING_ASSIGN_OR_RETURN(const Handle object, OpenObject(file, element));
  if (encoding != "dense") return SparseShape(object, element);
  const auto shape = Shape(object.get());
  if (shape.empty() || shape.size() > 2) return Malformed(element, "expected two axes");
  return std::make_pair(static_cast<int64_t>(shape[0]),
                        shape.size() > 1 ? static_cast<int64_t>(shape[1]) : int64_t{1});
}

absl::StatusOr<Matrix> ReadMatrixElement(hid_t file, const std::string& element) {
  UNLASTING_ASSIGN_OR_RETURN(const std::string encoding, EncodingOf(file, element));
  UNLASTING_ASSIGN_OR_RETURN(const Handle object, OpenObject(file, element));
  if (encoding == "dense") return ReadDense(object, element);
  UNLASTING_ASSIGN_OR_RETURN(const auto shape, SparseShape(object, element));
  const auto [rows, cols] = shape;
  if (encoding == "csr") {
    UNLASTING_ASSIGN_OR_RETURN(auto csr, ReadCompressed(object, element, rows, cols));
    return Matrix(Canonical(rows, cols, std::move(csr)));
  }
  UNLASTING_ASSIGN_OR_RETURN(const auto csc, ReadCompressed(object, element, cols, rows));
  // The row count comes from an attribute alone here: bounded before it is allocated.
  if (rows > (int64_t{1} << 26) && rows > 64 * static_cast<int64_t>(csc.values.size() + 1024)) {
    return Malformed(element, absl::StrCat("promises ", rows, " rows and stores ",
                                           csc.values.size(), " values"));
  }
  return Matrix(Canonical(rows, cols, Transposed(rows, csc)));
}

}  // namespace unlasting::anndata
