#include "core/anndata/row_reader.h"

#include <algorithm>

#include "core/anndata/elements.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

// Ranges begin within chunks: the chunk at a border is asked for twice and should be kept. Default
// of HDF5 is 1 MB, which a large chunk does not fit into.
constexpr size_t kMaxCache = size_t{256} << 20;

Handle OpenWithCache(hid_t group, const char* name) {
  const Handle plain(H5Dopen2(group, name, H5P_DEFAULT));
  if (!plain.ok()) return Handle();
  const Handle layout(H5Dget_create_plist(plain.get()));
  const int axes = H5Sget_simple_extent_ndims(Handle(H5Dget_space(plain.get())).get());
  std::vector<hsize_t> chunk(std::max(axes, 1), 1);
  size_t bytes = H5Tget_size(Handle(H5Dget_type(plain.get())).get());
  if (H5Pget_layout(layout.get()) == H5D_CHUNKED) {
    H5Pget_chunk(layout.get(), axes, chunk.data());
    for (const hsize_t extent : chunk) bytes = std::min<size_t>(bytes * extent, kMaxCache);
  }
  const Handle access(H5Pcreate(H5P_DATASET_ACCESS));
  H5Pset_chunk_cache(access.get(), 521, std::clamp(2 * bytes, size_t{1} << 20, kMaxCache), 0.75);
  return Handle(H5Dopen2(group, name, access.get()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowReader>> RowReader::Open(hid_t file, const std::string& element) {
  std::unique_ptr<RowReader> reader(new RowReader);
  reader->element_ = element;
  UNLASTING_ASSIGN_OR_RETURN(reader->encoding_, EncodingOf(file, element));
  UNLASTING_ASSIGN_OR_RETURN(const auto shape, ShapeOfElement(file, element));
  reader->rows_ = shape.first;
  reader->cols_ = shape.second;
  if (reader->encoding_ == "dense") {
    reader->values_ = OpenWithCache(file, element.c_str());
    return reader;
  }
  UNLASTING_ASSIGN_OR_RETURN(const Handle group, OpenObject(file, element));
  const bool csr = reader->encoding_ == "csr";
  UNLASTING_RETURN_IF_ERROR(reader->OpenSparse(group, csr ? reader->rows_ : reader->cols_));
  if (csr) return reader;
  // The arrays are asked for by a part of the reader itself, which does not move.
  CscRows::Arrays arrays;
  arrays.indices = [self = reader.get()](int64_t first, int64_t count) {
    return self->IndicesBetween(first, count);
  };
  arrays.values = [self = reader.get()](int64_t first, int64_t count) {
    return self->ValuesBetween(first, count);
  };
  UNLASTING_ASSIGN_OR_RETURN(
      reader->csc_, CscRows::Open(element, reader->rows_, reader->cols_, std::move(reader->indptr_),
                                  std::move(arrays)));
  return reader;
}

absl::StatusOr<std::unique_ptr<RowReader>> RowReader::OpenCsr(hid_t file,
                                                              const std::string& element,
                                                              int64_t rows, int64_t cols) {
  std::unique_ptr<RowReader> reader(new RowReader);
  reader->element_ = element;
  reader->encoding_ = "csr";
  reader->rows_ = rows;
  reader->cols_ = cols;
  UNLASTING_ASSIGN_OR_RETURN(const Handle group, OpenObject(file, element));
  UNLASTING_RETURN_IF_ERROR(reader->OpenSparse(group, rows));
  return reader;
}

absl::Status RowReader::OpenSparse(const Handle& group, int64_t major) {
  UNLASTING_ASSIGN_OR_RETURN(const Handle indptr, OpenMember(group, element_, "indptr"));
  auto pointers = ReadIntegers<int64_t>(indptr.get());
  if (!pointers.ok()) return Annotate(pointers.status(), absl::StrCat(element_, "/indptr"));
  indptr_ = *std::move(pointers);
  for (const char* name : {"indices", "data"}) {
    UNLASTING_RETURN_IF_ERROR(OpenMember(group, element_, name).status());
  }
  indices_ = OpenWithCache(group.get(), "indices");
  values_ = OpenWithCache(group.get(), "data");
  if (ClassOf(indices_.get()) != ValueClass::kInteger) {
    return absl::InvalidArgumentError(absl::StrCat(
        element_, "/indices: found ", ClassName(ClassOf(indices_.get())), ", expected integers"));
  }
  const auto count = [](const Handle& dataset) {
    const auto shape = Shape(dataset.get());
    return shape.size() == 1 ? static_cast<int64_t>(shape[0]) : int64_t{-1};
  };
  const int64_t stored = count(values_);
  if (count(indices_) != stored || stored < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(element_, ": has ", count(indices_), " indices for ", stored, " values"));
  }
  if (static_cast<int64_t>(indptr_.size()) != major + 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(element_, ": indptr has ", indptr_.size(), " entries, expected ", major + 1));
  }
  if (indptr_.front() != 0 || indptr_.back() != stored ||
      !std::is_sorted(indptr_.begin(), indptr_.end())) {
    return absl::InvalidArgumentError(
        absl::StrCat(element_, ": indptr must rise from 0 to ", stored));
  }
  return absl::OkStatus();
}

absl::StatusOr<CsrMatrix> RowReader::Read(int64_t first, int64_t count) {
  if (first < 0 || count < 0 || first + count > rows_) {
    return absl::OutOfRangeError(absl::StrCat(element_, ": has no rows ", first, " to ",
                                              first + count, ", expected 0 to ", rows_));
  }
  if (encoding_ == "dense") return ReadDense(first, count);
  return csc_ ? csc_->Read(first, count) : ReadCsr(first, count);
}

absl::StatusOr<std::vector<int32_t>> RowReader::IndicesBetween(int64_t first, int64_t count) {
  auto indices = ReadNumbersBetween<int32_t>(indices_.get(), first, count);
  if (!indices.ok()) return Annotate(indices.status(), absl::StrCat(element_, "/indices"));
  return indices;
}

absl::StatusOr<std::vector<float>> RowReader::ValuesBetween(int64_t first, int64_t count) {
  auto values = ReadNumbersBetween<float>(values_.get(), first, count);
  if (!values.ok()) return Annotate(values.status(), absl::StrCat(element_, "/data"));
  return values;
}

absl::StatusOr<CsrMatrix> RowReader::ReadCsr(int64_t first, int64_t count) {
  Compressed rows;
  const int64_t begin = indptr_[first], stored = indptr_[first + count] - begin;
  for (int64_t r = first; r <= first + count; ++r) rows.indptr.push_back(indptr_[r] - begin);
  UNLASTING_ASSIGN_OR_RETURN(rows.indices, IndicesBetween(begin, stored));
  UNLASTING_RETURN_IF_ERROR(CheckIndices(rows.indices, cols_, element_));
  UNLASTING_ASSIGN_OR_RETURN(rows.values, ValuesBetween(begin, stored));
  return Canonical(count, cols_, std::move(rows));
}

absl::StatusOr<CsrMatrix> RowReader::ReadDense(int64_t first, int64_t count) {
  auto values = ReadNumbersBetween<float>(values_.get(), first, count);
  if (!values.ok()) return Annotate(values.status(), element_);
  DenseMatrix rows;
  rows.rows = count;
  rows.cols = cols_;
  rows.values = *std::move(values);
  return ToCsr(rows);
}

}  // namespace unlasting::anndata
