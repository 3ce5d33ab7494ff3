#include "core/anndata/writer.h"

#include <algorithm>
#include <filesystem>

#include "core/anndata/hdf5.h"
#include "core/anndata/write_check.h"
#include "core/base/file.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

using nlohmann::json;

// HDF5 calls fail for one reason here, a file system that refuses: the first failure is kept and
// reported once at the end.
class Writer {
 public:
  Writer(hid_t file, const WriteOptions& options) : file_(file), options_(options) {}

  bool ok() const { return ok_; }
  hid_t file() const { return file_; }

  Handle Group(hid_t parent, const std::string& name, const char* encoding, const char* version) {
    Handle group(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    Check(group.get());
    Encoding(group.get(), encoding, version);
    return group;
  }

  void Encoding(hid_t object, const char* encoding, const char* version) {
    Attribute(object, "encoding-type", encoding);
    Attribute(object, "encoding-version", version);
  }

  void Attribute(hid_t object, const char* name, const std::string& value) {
    const Handle type = StringType();
    const Handle space(H5Screate(H5S_SCALAR));
    const Handle attribute(
        H5Acreate2(object, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
    const char* text = value.c_str();
    Check(H5Awrite(attribute.get(), type.get(), &text));
  }

  void Attribute(hid_t object, const char* name, const std::vector<std::string>& values) {
    const Handle type = StringType();
    const hsize_t size = values.size();
    const Handle space(H5Screate_simple(1, &size, nullptr));
    const Handle attribute(
        H5Acreate2(object, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
    Check(attribute.get());
    if (values.empty()) return;
    const auto pointers = Pointers(values);
    Check(H5Awrite(attribute.get(), type.get(), pointers.data()));
  }

  void Attribute(hid_t object, const char* name, const std::vector<int64_t>& values) {
    const hsize_t size = values.size();
    const Handle space(H5Screate_simple(1, &size, nullptr));
    const Handle attribute(
        H5Acreate2(object, name, H5T_STD_I64LE, space.get(), H5P_DEFAULT, H5P_DEFAULT));
    Check(H5Awrite(attribute.get(), H5T_NATIVE_INT64, values.data()));
  }

  void Flag(hid_t object, const char* name, bool value) {
    const Handle type = BooleanType();
    const Handle space(H5Screate(H5S_SCALAR));
    const Handle attribute(
        H5Acreate2(object, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
    const int8_t byte = value ? 1 : 0;
    Check(H5Awrite(attribute.get(), type.get(), &byte));
  }

  void Numbers(hid_t group, const std::string& name, hid_t file_type, hid_t memory_type,
               const void* data, std::vector<hsize_t> shape) {
    const Handle dataset = Dataset(group, name, file_type, std::move(shape));
    Check(H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
    Encoding(dataset.get(), "array", "0.2.0");
  }

  void Strings(hid_t group, const std::string& name, const std::vector<std::string>& values) {
    const Handle type = StringType();
    const Handle dataset = Dataset(group, name, type.get(), {values.size()});
    const auto pointers = Pointers(values);
    if (!values.empty()) {
      Check(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()));
    }
    Encoding(dataset.get(), "string-array", "0.2.0");
  }

  void Booleans(hid_t group, const std::string& name, const std::vector<bool>& values) {
    const std::vector<int8_t> bytes(values.begin(), values.end());
    const Handle type = BooleanType();
    Numbers(group, name, type.get(), type.get(), bytes.data(), {bytes.size()});
  }

  void Write(hid_t group, const std::string& name, const Column& column) {
    if (const auto* strings = std::get_if<std::vector<std::string>>(&column)) {
      Strings(group, name, *strings);
    } else if (const auto* doubles = std::get_if<std::vector<double>>(&column)) {
      Numbers(group, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, doubles->data(), {doubles->size()});
    } else if (const auto* integers = std::get_if<std::vector<int64_t>>(&column)) {
      Numbers(group, name, H5T_STD_I64LE, H5T_NATIVE_INT64, integers->data(), {integers->size()});
    } else if (const auto* booleans = std::get_if<std::vector<bool>>(&column)) {
      Booleans(group, name, *booleans);
    } else {
      const auto& categorical = std::get<Categorical>(column);
      const Handle handle = Group(group, name, "categorical", "0.2.0");
      Flag(handle.get(), "ordered", categorical.ordered);
      // pandas wants the smallest type that holds the codes.
      const bool small = categorical.categories.size() < 128;
      Numbers(handle.get(), "codes", small ? H5T_STD_I8LE : H5T_STD_I32LE, H5T_NATIVE_INT32,
              categorical.codes.data(), {categorical.codes.size()});
      Strings(handle.get(), "categories", categorical.categories);
    }
  }

  void Write(const std::string& name, const DataFrame& frame) {
    const Handle group = Group(file_, name, "dataframe", "0.2.0");
    Attribute(group.get(), "_index", std::string("_index"));
    std::vector<std::string> order;
    for (const auto& [column_name, column] : frame.columns) order.push_back(column_name);
    Attribute(group.get(), "column-order", order);
    Strings(group.get(), "_index", frame.index);
    for (const auto& [column_name, column] : frame.columns) {
      Write(group.get(), column_name, column);
    }
  }

  void Write(hid_t parent, const std::string& name, const Matrix& matrix) {
    if (const auto* dense = std::get_if<DenseMatrix>(&matrix)) {
      Numbers(parent, name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, dense->values.data(),
              {static_cast<hsize_t>(dense->rows), static_cast<hsize_t>(dense->cols)});
      return;
    }
    const auto& csr = std::get<CsrMatrix>(matrix);
    const Handle group = Group(parent, name, "csr_matrix", "0.1.0");
    Attribute(group.get(), "shape", std::vector<int64_t>{csr.rows, csr.cols});
    Bare(group.get(), "data", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, csr.values.data(),
         csr.values.size());
    Bare(group.get(), "indices", H5T_STD_I32LE, H5T_NATIVE_INT32, csr.indices.data(),
         csr.indices.size());
    const bool wide = csr.indptr.back() > INT32_MAX;
    Bare(group.get(), "indptr", wide ? H5T_STD_I64LE : H5T_STD_I32LE, H5T_NATIVE_INT64,
         csr.indptr.data(), csr.indptr.size());
  }

  void Write(const std::string& name, const std::map<std::string, Matrix>& matrices) {
    const Handle group = Group(file_, name, "dict", "0.1.0");
    for (const auto& [key, matrix] : matrices) Write(group.get(), key, matrix);
  }

  void Write(hid_t parent, const std::string& name, const json& value) {
    if (value.is_object()) {
      const Handle group = Group(parent, name, "dict", "0.1.0");
      for (const auto& [key, member] : value.items()) Write(group.get(), key, member);
    } else if (value.is_array()) {
      WriteArray(parent, name, value);
    } else if (value.is_string()) {
      Scalar(parent, name, value.get<std::string>());
    } else if (value.is_boolean()) {
      const Handle type = BooleanType();
      const int8_t byte = value.get<bool>() ? 1 : 0;
      Scalar(parent, name, type.get(), type.get(), &byte);
    } else if (value.is_number_float()) {
      const double number = value;
      Scalar(parent, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &number);
    } else if (value.is_number()) {
      const int64_t number = value;
      Scalar(parent, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &number);
    }
    // null has no form that all versions of anndata read: left out.
  }

 private:
  void Check(int64_t result) { ok_ = ok_ && result >= 0; }

  static Handle StringType() {
    Handle type(H5Tcopy(H5T_C_S1));
    H5Tset_size(type.get(), H5T_VARIABLE);
    H5Tset_cset(type.get(), H5T_CSET_UTF8);
    return type;
  }

  static Handle BooleanType() {
    Handle type(H5Tenum_create(H5T_STD_I8LE));
    int8_t value = 0;
    H5Tenum_insert(type.get(), "FALSE", &value);
    value = 1;
    H5Tenum_insert(type.get(), "TRUE", &value);
    return type;
  }

  static std::vector<const char*> Pointers(const std::vector<std::string>& values) {
    std::vector<const char*> pointers;
    pointers.reserve(values.size());
    for (const auto& value : values) pointers.push_back(value.c_str());
    return pointers;
  }

  // Chunked and compressed where there is something to compress.
  Handle Dataset(hid_t group, const std::string& name, hid_t type, std::vector<hsize_t> shape) {
    constexpr hsize_t kChunkValues = 1 << 16;
    const Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
    const Handle plist(H5Pcreate(H5P_DATASET_CREATE));
    // The same data give the same bytes, and a bundle's hash of them.
    H5Pset_obj_track_times(plist.get(), false);
    hsize_t total = 1;
    for (const hsize_t extent : shape) total *= extent;
    if (total > 0 && options_.gzip_level > 0) {
      std::vector<hsize_t> chunk = shape;
      const hsize_t row = total / shape[0];
      chunk[0] = std::clamp<hsize_t>(kChunkValues / std::max<hsize_t>(row, 1), 1, shape[0]);
      H5Pset_chunk(plist.get(), static_cast<int>(chunk.size()), chunk.data());
      H5Pset_shuffle(plist.get());
      H5Pset_deflate(plist.get(), static_cast<unsigned>(options_.gzip_level));
    }
    Handle dataset(
        H5Dcreate2(group, name.c_str(), type, space.get(), H5P_DEFAULT, plist.get(), H5P_DEFAULT));
    Check(dataset.get());
    return dataset;
  }

  // Members of a sparse matrix carry no encoding.
  void Bare(hid_t group, const char* name, hid_t file_type, hid_t memory_type, const void* data,
            size_t size) {
    const Handle dataset = Dataset(group, name, file_type, {size});
    if (size > 0) Check(H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
  }

  Handle ScalarDataset(hid_t group, const std::string& name, hid_t type) {
    const Handle space(H5Screate(H5S_SCALAR));
    const Handle plist(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_obj_track_times(plist.get(), false);
    Handle dataset(
        H5Dcreate2(group, name.c_str(), type, space.get(), H5P_DEFAULT, plist.get(), H5P_DEFAULT));
    Check(dataset.get());
    return dataset;
  }

  void Scalar(hid_t group, const std::string& name, hid_t file_type, hid_t memory_type,
              const void* data) {
    const Handle dataset = ScalarDataset(group, name, file_type);
    Check(H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
    Encoding(dataset.get(), "numeric-scalar", "0.2.0");
  }

  void Scalar(hid_t group, const std::string& name, const std::string& value) {
    const Handle type = StringType();
    const Handle dataset = ScalarDataset(group, name, type.get());
    const char* text = value.c_str();
    Check(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &text));
    Encoding(dataset.get(), "string", "0.2.0");
  }

  void WriteArray(hid_t parent, const std::string& name, const json& array) {
    const auto all = [&](auto predicate) {
      return std::all_of(array.begin(), array.end(), predicate);
    };
    if (!array.empty() && all([](const json& v) { return v.is_string(); })) {
      Strings(parent, name, array.get<std::vector<std::string>>());
    } else if (all([](const json& v) { return v.is_boolean(); }) && !array.empty()) {
      Booleans(parent, name, array.get<std::vector<bool>>());
    } else if (all([](const json& v) { return v.is_number_integer(); }) && !array.empty()) {
      const auto values = array.get<std::vector<int64_t>>();
      Numbers(parent, name, H5T_STD_I64LE, H5T_NATIVE_INT64, values.data(), {values.size()});
    } else if (all([](const json& v) { return v.is_number(); })) {
      const auto values = array.get<std::vector<double>>();
      Numbers(parent, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values.data(), {values.size()});
    } else {
      // Mixed or nested: kept readable as JSON text.
      Scalar(parent, name, array.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }
  }

  hid_t file_;
  WriteOptions options_;
  bool ok_ = true;
};

}  // namespace

absl::Status WriteAnnData(const AnnData& data, const std::string& path,
                          const WriteOptions& options) {
  const absl::Status writable = CheckWritable(data);
  if (!writable.ok()) return Annotate(writable, path);
  const Hdf5Scope scope;
  StagedPath staged{std::filesystem::path(path)};
  {
    Handle file(H5Fcreate(staged.path().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    if (!file.ok()) {
      return absl::PermissionDeniedError(absl::StrCat(path, ": cannot be written there"));
    }
    Writer writer(file.get(), options);
    writer.Encoding(file.get(), "anndata", "0.1.0");
    writer.Write(file.get(), "X", data.x);
    writer.Write("obs", data.obs);
    writer.Write("var", data.var);
    writer.Write("layers", data.layers);
    writer.Write("obsm", data.obsm);
    writer.Write("varm", data.varm);
    writer.Write("obsp", data.obsp);
    writer.Write("varp", data.varp);
    writer.Write(file.get(), "uns", data.uns.is_null() ? json::object() : data.uns);
    const bool flushed = writer.ok() && H5Fflush(file.get(), H5F_SCOPE_GLOBAL) >= 0;
    if (!file.Close() || !flushed) {
      return absl::ResourceExhaustedError(absl::StrCat(path, ": cannot be written; disk full?"));
    }
  }
  return staged.Commit();
}

}  // namespace unlasting::anndata
