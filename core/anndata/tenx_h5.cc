#include "core/anndata/tenx_h5.h"

#include <filesystem>
#include <new>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/anndata/feature_barcode.h"
#include "core/anndata/matrix_parts.h"
#include "core/anndata/row_reader.h"
#include "core/anndata/values.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

using Strings = std::vector<std::string>;

bool HasMatrix(const Handle& file, const std::string& group) {
  return IsGroup(file.get(), group) && LinkExists(file.get(), group + "/barcodes") &&
         LinkExists(file.get(), group + "/indptr");
}

// The groups that hold a matrix: `matrix`, or those of version 2's genomes.
Strings MatrixGroups(const Handle& file) {
  if (HasMatrix(file, "matrix")) return {"matrix"};
  Strings groups;
  for (const auto& name : Members(file.get())) {
    if (HasMatrix(file, name)) groups.push_back(name);
  }
  return groups;
}

// The rows of the matrix, and the file that they lie in.
class TenXMatrix : public FeatureBarcodeMatrix {
 public:
  TenXMatrix(std::string path, Handle file, std::unique_ptr<RowReader> rows)
      : path_(std::move(path)), file_(std::move(file)), rows_(std::move(rows)) {}
  ~TenXMatrix() override {
    const Hdf5Scope scope;
    rows_.reset();
    file_.Close();
  }

  absl::StatusOr<CsrMatrix> Read(int64_t first, int64_t count) override {
    const Hdf5Scope scope;
    auto rows = rows_->Read(first, count);
    if (!rows.ok()) return Annotate(rows.status(), path_);
    return rows;
  }

 private:
  std::string path_;
  Handle file_;
  std::unique_ptr<RowReader> rows_;
};

absl::StatusOr<Strings> ReadStringsOf(const Handle& file, const std::string& element) {
  if (!LinkExists(file.get(), element)) {
    return absl::InvalidArgumentError(absl::StrCat(element, ": is absent, expected strings"));
  }
  const Handle dataset(H5Dopen2(file.get(), element.c_str(), H5P_DEFAULT));
  if (!dataset.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(element, ": found a group, expected strings"));
  }
  auto strings = ReadStrings(dataset.get());
  if (!strings.ok()) return Annotate(strings.status(), element);
  return strings;
}

absl::StatusOr<FeatureTable> ReadFeatures(const Handle& file, const std::string& group) {
  FeatureTable features;
  const bool version2 = !LinkExists(file.get(), group + "/features");
  const std::string ids = group + (version2 ? "/genes" : "/features/id");
  const std::string names = group + (version2 ? "/gene_names" : "/features/name");
  UNLASTING_ASSIGN_OR_RETURN(features.ids, ReadStringsOf(file, ids));
  UNLASTING_ASSIGN_OR_RETURN(features.names, ReadStringsOf(file, names));
  if (version2) {
    features.genomes.assign(features.ids.size(), group);
  } else {
    for (const auto& [name, values] : {std::make_pair("/features/feature_type", &features.types),
                                       std::make_pair("/features/genome", &features.genomes)}) {
      if (!LinkExists(file.get(), group + name)) continue;
      UNLASTING_ASSIGN_OR_RETURN(*values, ReadStringsOf(file, group + name));
    }
  }
  for (const Strings* column : {&features.names, &features.types, &features.genomes}) {
    if (column->empty() || column->size() == features.ids.size()) continue;
    return absl::InvalidArgumentError(absl::StrCat(group, ": found ", column->size(),
                                                   " values for ", features.ids.size(),
                                                   " features, expected as many"));
  }
  if (features.names.size() != features.ids.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(names, ": is empty, expected ", features.ids.size(), " names"));
  }
  return features;
}

// INVALID_ARGUMENT unless `shape` says what the barcodes and features say.
absl::Status CheckShape(const Handle& file, const std::string& group, int64_t features,
                        int64_t cells) {
  const std::string element = group + "/shape";
  const Handle dataset(LinkExists(file.get(), element)
                           ? H5Dopen2(file.get(), element.c_str(), H5P_DEFAULT)
                           : H5I_INVALID_HID);
  if (!dataset.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(element, ": is absent, expected two sizes"));
  }
  const auto shape = ReadIntegers<int64_t>(dataset.get());
  if (!shape.ok()) return Annotate(shape.status(), element);
  if (*shape == std::vector<int64_t>{features, cells}) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(element, ": found ", absl::StrJoin(*shape, " x "),
                                                 ", expected ", features, " x ", cells, " (",
                                                 features, " features, ", cells, " barcodes)"));
}

absl::StatusOr<FeatureBarcodeData> ReadParts(const std::string& path, Handle file) {
  const Strings groups = MatrixGroups(file);
  if (groups.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "found the genomes ", absl::StrJoin(groups, ", "),
        ", expected one; write the cells of one genome as .h5ad, with scanpy's read_10x_h5"));
  }
  const std::string& group = groups.front();
  FeatureBarcodeData data;
  data.format = FileFormat::kTenXH5;
  UNLASTING_ASSIGN_OR_RETURN(data.barcodes, ReadStringsOf(file, group + "/barcodes"));
  UNLASTING_ASSIGN_OR_RETURN(data.features, ReadFeatures(file, group));
  const auto cells = static_cast<int64_t>(data.barcodes.size());
  const auto features = static_cast<int64_t>(data.features.ids.size());
  UNLASTING_RETURN_IF_ERROR(CheckShape(file, group, features, cells));
  UNLASTING_ASSIGN_OR_RETURN(auto rows, RowReader::OpenCsr(file.get(), group, cells, features));
  data.matrix = std::make_unique<TenXMatrix>(path, std::move(file), std::move(rows));
  const std::filesystem::path where(path);
  data.prefixes = {(where.parent_path() / where.stem()).string() + ".",
                   (where.parent_path() / "").string()};
  return data;
}

}  // namespace

bool IsTenXH5(const Handle& file) {
  return !LinkExists(file.get(), "obs") && !MatrixGroups(file).empty();
}

absl::StatusOr<std::unique_ptr<Reader>> OpenTenXH5(const std::string& path, Handle file,
                                                   const std::string& obs_table) {
  const Hdf5Scope scope;
  try {
    auto data = ReadParts(path, std::move(file));
    if (!data.ok()) return Annotate(data.status(), path);
    return MakeFeatureBarcodeReader(path, *std::move(data), obs_table);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(path, ": does not fit into memory"));
  }
}

}  // namespace unlasting::anndata
