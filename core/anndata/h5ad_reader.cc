#include "core/anndata/h5ad_reader.h"

#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/anndata/elements.h"
#include "core/anndata/row_reader.h"
#include "core/anndata/warnings.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

constexpr size_t kMaxNamesShown = 8;

std::string JoinSome(const std::vector<std::string>& names) {
  const bool all = names.size() <= kMaxNamesShown;
  const auto end = all ? names.end() : names.begin() + kMaxNamesShown;
  return absl::StrCat(absl::StrJoin(names.begin(), end, ", "),
                      all ? "" : absl::StrCat(" and ", names.size() - kMaxNamesShown, " more"));
}

class H5adReader : public Reader {
 public:
  H5adReader(std::string path, Handle file) : path_(std::move(path)), file_(std::move(file)) {}
  ~H5adReader() override {
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
  FileFormat format() const override { return FileFormat::kH5ad; }
  int64_t n_obs() const override { return n_obs_; }
  int64_t n_vars() const override { return n_vars_; }

  absl::StatusOr<std::string> MatrixEncoding(const std::string& element) override {
    UNLASTING_ASSIGN_OR_RETURN(const std::string stored, Resolve(element));
    return Named([&] { return EncodingOf(file_.get(), stored); });
  }
  absl::StatusOr<DataFrame> ReadObs() override { return ReadNamedFrame("obs"); }
  absl::StatusOr<DataFrame> ReadVar() override { return ReadNamedFrame("var"); }
  absl::StatusOr<DataFrame> ReadRawVar() override { return ReadNamedFrame("raw/var"); }

  absl::StatusOr<std::pair<int64_t, int64_t>> MatrixShape(const std::string& element) override {
    UNLASTING_ASSIGN_OR_RETURN(const std::string stored, Resolve(element));
    UNLASTING_RETURN_IF_ERROR(CheckShape(stored));
    return Named([&] { return ShapeOfElement(file_.get(), stored); });
  }

  absl::StatusOr<CsrMatrix> ReadRows(const std::string& element, int64_t first,
                                     int64_t count) override {
    UNLASTING_ASSIGN_OR_RETURN(const std::string stored, Resolve(element));
    if (row_reader_ == nullptr || row_element_ != stored) {
      UNLASTING_RETURN_IF_ERROR(CheckShape(stored));
      UNLASTING_ASSIGN_OR_RETURN(row_reader_,
                                 Named([&] { return RowReader::Open(file_.get(), stored); }));
      row_element_ = stored;
    }
    return Named([&] { return row_reader_->Read(first, count); });
  }

  absl::StatusOr<Matrix> ReadMatrix(const std::string& element) override {
    UNLASTING_ASSIGN_OR_RETURN(const std::string stored, Resolve(element));
    UNLASTING_RETURN_IF_ERROR(CheckShape(stored));
    return Named([&] { return ReadMatrixElement(file_.get(), stored); });
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
    const std::string stored = element == "raw" && IsOldRaw() ? "raw.X" : StoredName(element);
    if (!LinkExists(file_.get(), stored)) return false;
    // anndata 0.12 writes None as a dataset that holds nothing.
    const Handle object(H5Oopen(file_.get(), stored.c_str(), H5P_DEFAULT));
    return object.ok() && !(H5Iget_type(object.get()) == H5I_DATASET && IsNull(object.get()));
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

  // Files of anndata before 0.7 hold raw/X and raw/var as raw.X and raw.var.
  bool IsOldRaw() const {
    return !LinkExists(file_.get(), "raw") && LinkExists(file_.get(), "raw.X");
  }
  std::string StoredName(const std::string& element) const {
    if (element == "raw/X" && IsOldRaw()) return "raw.X";
    if (element == "raw/var" && IsOldRaw()) return "raw.var";
    return element;
  }

  // Where the file holds what is asked for. Where X is None its only layer stands in for it, which
  // is said; more than one layer is an error that names them.
  absl::StatusOr<std::string> Resolve(const std::string& element) {
    const Hdf5Scope scope;
    if (element != "X" || Has("X")) return StoredName(element);
    const std::vector<std::string> layers = List("layers");
    if (layers.size() == 1) {
      Warn(path_,
           absl::StrCat("X is None; its only layer, '", layers[0], "', is read in its place"));
      return absl::StrCat("layers/", layers[0]);
    }
    std::vector<std::string> choices = layers;
    if (Has("raw/X")) choices.push_back("raw");
    return absl::NotFoundError(absl::StrCat(
        path_, ": X: is None, expected a matrix; ",
        choices.empty() ? "the file has no layers either"
                        : absl::StrCat("name one of the layers ", JoinSome(choices),
                                       " with the setting layer or the flag --layer")));
  }

  absl::StatusOr<DataFrame> ReadNamedFrame(const std::string& element) {
    auto frame = Named([&] { return ReadFrame(file_.get(), StoredName(element)); });
    if (!frame.ok() || frame->unread.empty()) return frame;
    std::vector<std::string> columns;
    for (const auto& [name, why] : frame->unread) {
      columns.push_back(absl::StrCat("'", name, "' (", why, ")"));
    }
    Warn(path_,
         absl::StrCat(element, ": columns that cannot be read are left out: ", JoinSome(columns)));
    return frame;
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

}  // namespace

absl::StatusOr<std::unique_ptr<Reader>> OpenH5ad(const std::string& path, Handle file) {
  auto reader = std::make_unique<H5adReader>(path, std::move(file));
  UNLASTING_RETURN_IF_ERROR(reader->Initialise());
  return std::unique_ptr<Reader>(std::move(reader));
}

}  // namespace unlasting::anndata
