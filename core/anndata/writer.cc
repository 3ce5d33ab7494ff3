#include "core/anndata/writer.h"

#include <algorithm>
#include <filesystem>

#include "core/anndata/hdf5.h"
#include "core/anndata/hdf5_writer.h"
#include "core/anndata/write_check.h"
#include "core/base/file.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

using nlohmann::json;

// Writes the parts of an AnnData object as the groups and data sets of its encodings.
class Writer {
 public:
  Writer(hid_t file, const WriteOptions& options) : file_(file), hdf5_(options.gzip_level) {}

  bool ok() const { return hdf5_.ok(); }

  void WriteEncoding() { hdf5_.Encoding(file_, "anndata", "0.1.0"); }

  void Write(hid_t group, const std::string& name, const Column& column) {
    if (const auto* strings = std::get_if<std::vector<std::string>>(&column)) {
      hdf5_.Strings(group, name, *strings);
    } else if (const auto* doubles = std::get_if<std::vector<double>>(&column)) {
      hdf5_.Numbers(group, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, doubles->data(),
                    {doubles->size()});
    } else if (const auto* integers = std::get_if<std::vector<int64_t>>(&column)) {
      hdf5_.Numbers(group, name, H5T_STD_I64LE, H5T_NATIVE_INT64, integers->data(),
                    {integers->size()});
    } else if (const auto* booleans = std::get_if<std::vector<bool>>(&column)) {
      hdf5_.Booleans(group, name, *booleans);
    } else {
      const auto& categorical = std::get<Categorical>(column);
      const Handle handle = hdf5_.Group(group, name, "categorical", "0.2.0");
      hdf5_.Flag(handle.get(), "ordered", categorical.ordered);
      // pandas wants the smallest type that holds the codes.
      const bool small = categorical.categories.size() < 128;
      hdf5_.Numbers(handle.get(), "codes", small ? H5T_STD_I8LE : H5T_STD_I32LE, H5T_NATIVE_INT32,
                    categorical.codes.data(), {categorical.codes.size()});
      hdf5_.Strings(handle.get(), "categories", categorical.categories);
    }
  }

  void Write(const std::string& name, const DataFrame& frame) {
    const Handle group = hdf5_.Group(file_, name, "dataframe", "0.2.0");
    hdf5_.Attribute(group.get(), "_index", std::string("_index"));
    std::vector<std::string> order;
    for (const auto& [column_name, column] : frame.columns) order.push_back(column_name);
    hdf5_.Attribute(group.get(), "column-order", order);
    hdf5_.Strings(group.get(), "_index", frame.index);
    for (const auto& [column_name, column] : frame.columns) {
      Write(group.get(), column_name, column);
    }
  }

  void Write(hid_t parent, const std::string& name, const Matrix& matrix) {
    if (const auto* dense = std::get_if<DenseMatrix>(&matrix)) {
      hdf5_.Numbers(parent, name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, dense->values.data(),
                    {static_cast<hsize_t>(dense->rows), static_cast<hsize_t>(dense->cols)});
      return;
    }
    const auto& csr = std::get<CsrMatrix>(matrix);
    const Handle group = hdf5_.Group(parent, name, "csr_matrix", "0.1.0");
    hdf5_.Attribute(group.get(), "shape", std::vector<int64_t>{csr.rows, csr.cols});
    hdf5_.Bare(group.get(), "data", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, csr.values.data(),
               csr.values.size());
    hdf5_.Bare(group.get(), "indices", H5T_STD_I32LE, H5T_NATIVE_INT32, csr.indices.data(),
               csr.indices.size());
    const bool wide = csr.indptr.back() > INT32_MAX;
    hdf5_.Bare(group.get(), "indptr", wide ? H5T_STD_I64LE : H5T_STD_I32LE, H5T_NATIVE_INT64,
               csr.indptr.data(), csr.indptr.size());
  }

  void Write(const std::string& name, const std::map<std::string, Matrix>& matrices) {
    const Handle group = hdf5_.Group(file_, name, "dict", "0.1.0");
    for (const auto& [key, matrix] : matrices) Write(group.get(), key, matrix);
  }

  void Write(hid_t parent, const std::string& name, const json& value) {
    if (value.is_object()) {
      const Handle group = hdf5_.Group(parent, name, "dict", "0.1.0");
      for (const auto& [key, member] : value.items()) Write(group.get(), key, member);
    } else if (value.is_array()) {
      WriteArray(parent, name, value);
    } else if (value.is_string()) {
      hdf5_.Scalar(parent, name, value.get<std::string>());
    } else if (value.is_boolean()) {
      hdf5_.BooleanScalar(parent, name, value.get<bool>());
    } else if (value.is_number_float()) {
      const double number = value;
      hdf5_.Scalar(parent, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &number);
    } else if (value.is_number()) {
      const int64_t number = value;
      hdf5_.Scalar(parent, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &number);
    }
    // null has no form that all versions of anndata read: left out.
  }

 private:
  void WriteArray(hid_t parent, const std::string& name, const json& array) {
    const auto all = [&](auto predicate) {
      return std::all_of(array.begin(), array.end(), predicate);
    };
    if (!array.empty() && all([](const json& v) { return v.is_string(); })) {
      hdf5_.Strings(parent, name, array.get<std::vector<std::string>>());
    } else if (all([](const json& v) { return v.is_boolean(); }) && !array.empty()) {
      hdf5_.Booleans(parent, name, array.get<std::vector<bool>>());
    } else if (all([](const json& v) { return v.is_number_integer(); }) && !array.empty()) {
      const auto values = array.get<std::vector<int64_t>>();
      hdf5_.Numbers(parent, name, H5T_STD_I64LE, H5T_NATIVE_INT64, values.data(), {values.size()});
    } else if (all([](const json& v) { return v.is_number(); })) {
      const auto values = array.get<std::vector<double>>();
      hdf5_.Numbers(parent, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values.data(),
                    {values.size()});
    } else {
      // Mixed or nested: kept readable as JSON text.
      hdf5_.Scalar(parent, name,
                   array.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }
  }

  hid_t file_;
  Hdf5Writer hdf5_;
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
    writer.WriteEncoding();
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
