#include "core/anndata/reader.h"

#include <algorithm>
#include <filesystem>
#include <new>

#include "core/anndata/crash_guard.h"
#include "core/anndata/elements.h"
#include "core/anndata/hdf5.h"
#include "core/anndata/row_reader.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

class FileReader : public Reader {
 public:
  FileReader(std::string path, Handle file) : path_(std::move(path)), file_(std::move(file)) {}
  ~FileReader() override {
    const Hdf5Scope scope;
    row_reader_.reset();
    file_.Close();
  }

  // Cells and genes come from the frames' indexes, and X must agree.
  absl::Status Initialise() {
    UNLASTING_ASSIGN_OR_RETURN(n_obs_, CountRows("obs"));
    UNLASTING_ASSIGN_OR_RETURN(n_vars_, CountRows("var"));
    return Has("X") ? CheckShape("X") : absl::OkStatus();
  }

  const std::string& path() const override { return path_; }
  int64_t n_obs() const override { return n_obs_; }
  int64_t n_vars() const override { return n_vars_; }

  absl::StatusOr<std::string> MatrixEncoding(const std::string& element) override {
    return Named([&] { return EncodingOf(file_.get(), element); });
  }
  absl::StatusOr<DataFrame> ReadObs() override {
    return Named([this] { return ReadFrame(file_.get(), "obs"); });
  }
  absl::StatusOr<DataFrame> ReadVar() override {
    return Named([this] { return ReadFrame(file_.get(), "var"); });
  }

  absl::StatusOr<DataFrame> ReadRawVar() override {
    return Named([this] { return ReadFrame(file_.get(), "raw/var"); });
  }

  absl::StatusOr<std::pair<int64_t, int64_t>> MatrixShape(const std::string& element) override {
    UNLASTING_RETURN_IF_ERROR(CheckShape(element));
    return Named([&] { return ShapeOfElement(file_.get(), element); });
  }

  absl::StatusOr<CsrMatrix> ReadRows(const std::string& element, int64_t first,
                                     int64_t count) override {
    if (row_reader_ == nullptr || row_element_ != element) {
      UNLASTING_RETURN_IF_ERROR(CheckShape(element));
      UNLASTING_ASSIGN_OR_RETURN(row_reader_,
                                 Named([&] { return RowReader::Open(file_.get(), element); }));
      row_element_ = element;
    }
    return Named([&] { return row_reader_->Read(first, count); });
  }

  absl::StatusOr<Matrix> ReadMatrix(const std::string& element) override {
    UNLASTING_RETURN_IF_ERROR(CheckShape(element));
    return Named([&] { return ReadMatrixElement(file_.get(), element); });
  }

  absl::StatusOr<nlohmann::json> ReadUns() override {
    return Named([this]() -> absl::StatusOr<nlohmann::json> {
      if (!IsGroup(file_.get(), "uns")) return nlohmann::json::object();
      const Handle group(H5Oopen(file_.get(), "uns", H5P_DEFAULT));
      return ReadMapping(group.get());
    });
  }

  std::vector<std::string> List(const std::string& group) override {
    const Hdf5Scope scope;
    if (!IsGroup(file_.get(), group)) return {};
    const Handle handle(H5Oopen(file_.get(), group.c_str(), H5P_DEFAULT));
    return Members(handle.get());
  }

  bool Has(const std::string& element) override {
    const Hdf5Scope scope;
    return LinkExists(file_.get(), element);
  }

 private:
  // What `read` returns, the file named in what goes wrong; lack of memory is an error like others.
  template <typename Function>
  auto Named(Function read) const -> decltype(read()) {
    const Hdf5Scope scope;
    try {
      auto result = read();
      if (!result.ok()) return Annotate(result.status(), path_);
      return result;
    } catch (const std::bad_alloc&) {
      return absl::ResourceExhaustedError(absl::StrCat(path_, ": does not fit into memory"));
    }
  }

  absl::StatusOr<int64_t> CountRows(const std::string& frame) const {
    UNLASTING_ASSIGN_OR_RETURN(const auto index,
                               Named([&] { return ReadFrameIndex(file_.get(), frame); }));
    return static_cast<int64_t>(index.size());
  }

  // Before any value is read: the attributes of a damaged file may promise any shape.
  absl::Status CheckShape(const std::string& element) const {
    constexpr int64_t kAny = -1;
    const std::string group = element.substr(0, element.find('/'));
    int64_t rows = n_obs_, cols = kAny;
    if (group == "X" || group == "layers") cols = n_vars_;
    if (group == "obsp") cols = n_obs_;
    if (group == "varm") rows = n_vars_;
    if (group == "varp") rows = cols = n_vars_;
    UNLASTING_ASSIGN_OR_RETURN(const auto shape,
                               Named([&] { return ShapeOfElement(file_.get(), element); }));
    if (shape.first == rows && (cols == kAny || shape.second == cols)) return absl::OkStatus();
    const auto dimension = [](int64_t size) { return size == kAny ? "any" : absl::StrCat(size); };
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ": ", element, ": found ", shape.first, " x ", shape.second, ", expected ", rows,
        " x ", dimension(cols), " (", n_obs_, " cells, ", n_vars_, " genes)"));
  }

  std::string path_;
  Handle file_;
  std::unique_ptr<RowReader> row_reader_;  // of `row_element_`
  std::string row_element_;
  int64_t n_obs_ = 0;
  int64_t n_vars_ = 0;
};

absl::Status ReadAll(Reader* reader, const std::string& group,
                     std::map<std::string, Matrix>* matrices) {
  for (const auto& name : reader->List(group)) {
    const std::string element = absl::StrCat(group, "/", name);
    // Data frames among the matrices are left out; a matrix that cannot be read is not.
    if (absl::IsUnimplemented(reader->MatrixEncoding(element).status())) continue;
    UNLASTING_ASSIGN_OR_RETURN((*matrices)[name], reader->ReadMatrix(element));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Reader>> OpenFile(const std::string& path) {
  const Hdf5Scope scope;
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

// What a caller may ask of the file, so that HDF5 shows whether it survives it.
void ReadEverything(const std::string& path) {
  constexpr uintmax_t kReadWhole = uintmax_t{64} << 20;
  const auto opened = OpenFile(path);
  if (!opened.ok()) return;
  Reader& reader = **opened;
  static_cast<void>(reader.ReadObs());
  static_cast<void>(reader.ReadVar());
  static_cast<void>(reader.ReadRawVar());
  static_cast<void>(reader.ReadUns());
  std::vector<std::string> elements = {"X", "raw/X"};
  for (const char* group : {"layers", "obsm", "varm", "obsp", "varp"}) {
    for (const auto& name : reader.List(group)) elements.push_back(absl::StrCat(group, "/", name));
  }
  std::error_code error;
  const bool whole = std::filesystem::file_size(path, error) < kReadWhole;
  for (const auto& element : elements) {
    const auto shape = reader.MatrixShape(element);
    if (!shape.ok()) continue;
    if (whole) static_cast<void>(reader.ReadMatrix(element));
    const auto encoding = reader.MatrixEncoding(element);
    if (encoding.ok() && (whole || *encoding != "csc")) {
      static_cast<void>(reader.ReadRows(element, 0, std::min<int64_t>(shape->first, 1)));
      if (shape->first > 1) static_cast<void>(reader.ReadRows(element, shape->first - 1, 1));
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Reader>> Reader::Open(const std::string& path) {
  UNLASTING_RETURN_IF_ERROR(SurvivesInChild(path, [&path] { ReadEverything(path); }));
  return OpenFile(path);
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
