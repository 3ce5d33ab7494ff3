#include "core/anndata/feature_barcode.h"

#include <algorithm>
#include <map>
#include <new>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/anndata/cell_table.h"
#include "core/anndata/warnings.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

constexpr char kGeneExpression[] = "Gene Expression";
constexpr size_t kMaxNamesShown = 5;

// Columns of the genes, rising; warns of the features of other types.
std::vector<int64_t> GeneColumns(const std::string& path, const FeatureTable& features) {
  std::vector<int64_t> genes;
  std::map<std::string, int64_t> others;
  for (size_t k = 0; k < features.ids.size(); ++k) {
    if (features.types.empty() || features.types[k] == kGeneExpression) {
      genes.push_back(static_cast<int64_t>(k));
    } else {
      ++others[features.types[k]];
    }
  }
  if (genes.empty()) {
    // A panel of one other type, such as peaks alone, is what the user has.
    for (size_t k = 0; k < features.ids.size(); ++k) genes.push_back(static_cast<int64_t>(k));
    return genes;
  }
  std::vector<std::string> left_out;
  for (const auto& [type, count] : others) left_out.push_back(absl::StrCat(count, " of ", type));
  if (!left_out.empty()) {
    Warn(path, absl::StrCat("features that are not of the type ", kGeneExpression,
                            " are left out: ", absl::StrJoin(left_out, ", ")));
  }
  return genes;
}

// Symbols, each of which names one gene: the first keeps a symbol, and others get -1, -2 and so on
// after it, as scanpy's var_names_make_unique writes them.
std::vector<std::string> UniqueNames(const std::string& path,
                                     const std::vector<std::string>& symbols) {
  std::unordered_set<std::string> taken(symbols.begin(), symbols.end());
  std::unordered_map<std::string, int64_t> times;
  std::vector<std::string> names, renamed;
  for (const auto& symbol : symbols) {
    int64_t& count = times[symbol];
    std::string name = symbol;
    if (count++ > 0) {
      int64_t suffix = count - 1;
      while (!taken.insert(name = absl::StrCat(symbol, "-", suffix)).second) ++suffix;
      renamed.push_back(name);
    }
    names.push_back(std::move(name));
  }
  if (!renamed.empty()) {
    const size_t shown = std::min(renamed.size(), kMaxNamesShown);
    Warn(path,
         absl::StrCat(renamed.size(), " genes share their symbol with another and are numbered: ",
                      absl::StrJoin(renamed.begin(), renamed.begin() + shown, ", "),
                      shown < renamed.size() ? ", ..." : ""));
  }
  return names;
}

DataFrame MakeVar(const std::string& path, const FeatureTable& features,
                  const std::vector<int64_t>& columns) {
  const auto select = [&columns](const std::vector<std::string>& values) {
    std::vector<std::string> selected;
    for (const int64_t column : columns) selected.push_back(values[column]);
    return selected;
  };
  DataFrame var;
  var.index = UniqueNames(path, select(features.names));
  var.Set("gene_ids", select(features.ids));
  if (!features.types.empty()) var.Set("feature_types", select(features.types));
  if (!features.genomes.empty()) var.Set("genome", select(features.genomes));
  return var;
}

class FeatureBarcodeReader : public Reader {
 public:
  FeatureBarcodeReader(std::string path, FeatureBarcodeData data)
      : path_(std::move(path)), data_(std::move(data)) {
    columns_ = GeneColumns(path_, data_.features);
    var_ = MakeVar(path_, data_.features, columns_);
  }

  absl::Status ReadCells(const std::string& obs_table) {
    std::string table = obs_table;
    for (const auto& prefix : data_.prefixes) {
      if (!table.empty()) break;
      UNLASTING_ASSIGN_OR_RETURN(table, FindCellTable(prefix));
    }
    if (table.empty()) {
      obs_.index = data_.barcodes;
      Warn(path_,
           absl::StrCat("says nothing of its cells but their barcodes; annotations such as "
                        "the condition are read from ",
                        data_.prefixes.back(), "obs.tsv, with the barcode in the first column"));
      return absl::OkStatus();
    }
    UNLASTING_ASSIGN_OR_RETURN(obs_, ReadCellTable(table, data_.barcodes));
    return absl::OkStatus();
  }

  const std::string& path() const override { return path_; }
  FileFormat format() const override { return data_.format; }
  int64_t n_obs() const override { return static_cast<int64_t>(data_.barcodes.size()); }
  int64_t n_vars() const override { return static_cast<int64_t>(columns_.size()); }

  absl::StatusOr<std::string> MatrixEncoding(const std::string& element) override {
    UNLASTING_RETURN_IF_ERROR(CheckElement(element));
    return std::string("csr");
  }
  absl::StatusOr<DataFrame> ReadObs() override { return obs_; }
  absl::StatusOr<DataFrame> ReadVar() override { return var_; }
  absl::StatusOr<DataFrame> ReadRawVar() override { return CheckElement("raw/var"); }

  absl::StatusOr<Matrix> ReadMatrix(const std::string& element) override {
    UNLASTING_ASSIGN_OR_RETURN(auto csr, ReadRows(element, 0, n_obs()));
    return Matrix(std::move(csr));
  }

  absl::StatusOr<CsrMatrix> ReadRows(const std::string& element, int64_t first,
                                     int64_t count) override {
    UNLASTING_RETURN_IF_ERROR(CheckElement(element));
    if (first < 0 || count < 0 || first > n_obs() || count > n_obs() - first) {
      return absl::OutOfRangeError(absl::StrCat(path_, ": X: has no rows ", first, " to ",
                                                first + count, ", expected 0 to ", n_obs()));
    }
    try {
      UNLASTING_ASSIGN_OR_RETURN(CsrMatrix rows, data_.matrix->Read(first, count));
      if (columns_.size() == data_.features.ids.size()) return rows;
      return SelectColumns(rows, columns_);
    } catch (const std::bad_alloc&) {
      return absl::ResourceExhaustedError(absl::StrCat(path_, ": does not fit into memory"));
    }
  }

  absl::StatusOr<std::pair<int64_t, int64_t>> MatrixShape(const std::string& element) override {
    UNLASTING_RETURN_IF_ERROR(CheckElement(element));
    return std::make_pair(n_obs(), n_vars());
  }
  absl::StatusOr<nlohmann::json> ReadUns() override { return nlohmann::json::object(); }
  std::vector<std::string> List(const std::string&) override { return {}; }
  bool Has(const std::string& element) override {
    return element == "X" || element == "obs" || element == "var";
  }

 private:
  absl::Status CheckElement(const std::string& element) const {
    if (element == "X") return absl::OkStatus();
    return absl::NotFoundError(absl::StrCat(path_, ": ", element,
                                            ": is absent, expected X, which is all that a ",
                                            FileFormatName(data_.format), " input holds"));
  }

  std::string path_;
  FeatureBarcodeData data_;
  std::vector<int64_t> columns_;  // of the genes among the features
  DataFrame obs_;
  DataFrame var_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Reader>> MakeFeatureBarcodeReader(const std::string& path,
                                                                 FeatureBarcodeData data,
                                                                 const std::string& obs_table) {
  auto reader = std::make_unique<FeatureBarcodeReader>(path, std::move(data));
  UNLASTING_RETURN_IF_ERROR(reader->ReadCells(obs_table));
  return std::unique_ptr<Reader>(std::move(reader));
}

}  // namespace unlasting::anndata
