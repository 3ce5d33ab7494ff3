#include "core/anndata/reader.h"

#include <filesystem>

#include "core/anndata/elements.h"
#include "core/anndata/hdf5.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

class FileReader : public Reader {
 public:
  FileReader(std::string path, Handle file) : path_(std::move(path)), file_(std::move(file)) {}

  // Cells and genes come from the frames' indexes, and X must agree.
  absl::Status Initialise() {
    UNLASTING_ASSIGN_OR_RETURN(const auto obs, ReadObs());
    UNLASTING_ASSIGN_OR_RETURN(const auto var, ReadVar());
    n_obs_ = static_cast<int64_t>(obs.index.size());
    n_vars_ = static_cast<int64_t>(var.index.size());
    if (!Has("X")) return absl::OkStatus();
    const auto shape = ShapeOfElement(file_.get(), "X");
    if (!shape.ok()) return Annotate(shape.status(), path_);
    return CheckShape("X", shape->first, shape->second);
  }

  const std::string& path() const override { return path_; }
  int64_t n_obs() const override { return n_obs_; }
  int64_t n_vars() const override { return n_vars_; }

  absl::StatusOr<std::string> MatrixEncoding(const std::string& element) override {
    return Named(EncodingOf(file_.get(), element));
  }
  absl::StatusOr<DataFrame> ReadObs() override { return Named(ReadFrame(file_.get(), "obs")); }
  absl::StatusOr<DataFrame> ReadVar() override { return Named(ReadFrame(file_.get(), "var")); }

  absl::StatusOr<Matrix> ReadMatrix(const std::string& element) override {
    UNLASTING_ASSIGN_OR_RETURN(Matrix matrix, Named(ReadMatrixElement(file_.get(), element)));
    if (element == "X" || element.rfind("layers/", 0) == 0) {
      UNLASTING_RETURN_IF_ERROR(CheckShape(element, Rows(matrix), Cols(matrix)));
    }
    return matrix;
  }

  absl::StatusOr<nlohmann::json> ReadUns() override {
    if (!IsGroup(file_.get(), "uns")) return nlohmann::json::object();
    const Handle group(H5Oopen(file_.get(), "uns", H5P_DEFAULT));
    return ReadMapping(group.get());
  }

  std::vector<std::string> List(const std::string& group) override {
    if (!IsGroup(file_.get(), group)) return {};
    const Handle handle(H5Oopen(file_.get(), group.c_str(), H5P_DEFAULT));
    return Members(handle.get());
  }

  bool Has(const std::string& element) override {
    // Every link on the way must exist: H5Lexists looks at the last one only.
    for (size_t slash = element.find('/'); slash != std::string::npos;
         slash = element.find('/', slash + 1)) {
      if (!LinkExists(file_.get(), element.substr(0, slash))) return false;
    }
    return LinkExists(file_.get(), element);
  }

 private:
  template <typename T>
  absl::StatusOr<T> Named(absl::StatusOr<T> result) const {
    if (!result.ok()) return Annotate(result.status(), path_);
    return result;
  }

  absl::Status CheckShape(const std::string& element, int64_t rows, int64_t cols) const {
    if (rows == n_obs_ && cols == n_vars_) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(path_, ": ", element, ": found ", rows, " x ",
                                                   cols, ", expected ", n_obs_, " cells x ",
                                                   n_vars_, " genes"));
  }

  std::string path_;
  Handle file_;
  int64_t n_obs_ = 0;
  int64_t n_vars_ = 0;
};

absl::Status ReadAll(Reader* reader, const std::string& group,
                     std::map<std::string, Matrix>* matrices) {
  for (const auto& name : reader->List(group)) {
    auto matrix = reader->ReadMatrix(group + "/" + name);
    // Data frames among the matrices are left out.
    if (absl::IsUnimplemented(matrix.status())) continue;
    if (!matrix.ok()) return matrix.status();
    (*matrices)[name] = *std::move(matrix);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Reader>> Reader::Open(const std::string& path) {
  SilenceHdf5();
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  }
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is a folder, expected an .h5ad file"));
  }
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  if (!file.ok()) {
    const bool hdf5 = H5Fis_hdf5(path.c_str()) > 0;
    return absl::InvalidArgumentError(absl::StrCat(
        path, hdf5 ? ": the HDF5 file is truncated or damaged" : ": is not an HDF5 file"));
  }
  auto reader = std::make_unique<FileReader>(path, std::move(file));
  UNLASTING_RETURN_IF_ERROR(reader->Initialise());
  return std::unique_ptr<Reader>(std::move(reader));
}

absl::StatusOr<AnnData> ReadAnnData(const std::string& path) {
  UNLASTING_ASSIGN_OR_RETURN(auto reader, Reader::Open(path));
  AnnData data;
  UNLASTING_ASSIGN_OR_RETURN(data.obs, reader->ReadObs());
  UNLASTING_ASSIGN_OR_RETURN(data.var, reader->ReadVar());
  if (reader->Has("X")) {
    UNLASTING_ASSIGN_OR_RETURN(data.x, reader->ReadMatrix("X"));
  }
  UNLASTING_RETURN_IF_ERROR(ReadAll(reader.get(), "layers", &data.layers));
  UNLASTING_RETURN_IF_ERROR(ReadAll(reader.get(), "obsm", &data.obsm));
  UNLASTING_RETURN_IF_ERROR(ReadAll(reader.get(), "varm", &data.varm));
  UNLASTING_RETURN_IF_ERROR(ReadAll(reader.get(), "obsp", &data.obsp));
  UNLASTING_RETURN_IF_ERROR(ReadAll(reader.get(), "varp", &data.varp));
  UNLASTING_ASSIGN_OR_RETURN(data.uns, reader->ReadUns());
  return data;
}

}  // namespace unlasting::anndata
