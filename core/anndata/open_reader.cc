#include "core/anndata/open_reader.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "core/anndata/crash_guard.h"
#include "core/anndata/h5ad_reader.h"
#include "core/anndata/hdf5.h"
#include "core/anndata/mtx_folder.h"
#include "core/anndata/tenx_h5.h"
#include "core/anndata/warnings.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

absl::Status ReadAll(Reader* reader, const std::string& group,
                     std::map<std::string, Matrix>* matrices) {
  for (const auto& name : reader->List(group)) {
    const std::string element = absl::StrCat(group, "/", name);
    const auto encoding = reader->MatrixEncoding(element).status();
    if (absl::IsUnimplemented(encoding)) {
      // Data frames and arrays of more axes among the matrices; a damaged matrix is an error.
      Warn(reader->path(),
           absl::StrCat(encoding.message().substr(reader->path().size() + 2), "; it is left out"));
      continue;
    }
    UNLASTING_ASSIGN_OR_RETURN((*matrices)[name], reader->ReadMatrix(element));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Reader>> OpenHdf5(const std::string& path,
                                                 const OpenOptions& options) {
  const Hdf5Scope scope;
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  if (!file.ok()) {
    const bool hdf5 = H5Fis_hdf5(path.c_str()) > 0;
    return absl::InvalidArgumentError(absl::StrCat(
        path, hdf5 ? ": the HDF5 file is truncated or damaged"
                   : ": is not an HDF5 file; expected an .h5ad file, a 10x .h5 file or the folder "
                     "of a matrix.mtx"));
  }
  if (IsTenXH5(file)) return OpenTenXH5(path, std::move(file), options.obs_table);
  if (!options.obs_table.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(options.obs_table,
                                                   ": found a table of cells for ", path,
                                                   ", which holds its own in obs; expected none"));
  }
  return OpenH5ad(path, std::move(file));
}

// What a caller may ask of the file, so that HDF5 shows whether it survives it.
void ReadEverything(const std::string& path, const OpenOptions& options) {
  constexpr uintmax_t kReadWhole = uintmax_t{64} << 20;
  const auto opened = OpenHdf5(path, options);
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

absl::StatusOr<std::unique_ptr<Reader>> OpenReader(const std::string& path,
                                                   const OpenOptions& options) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return absl::NotFoundError(absl::StrCat(path, ": no such file or folder"));
  }
  // Text is read by this room's own code, which needs no guard.
  if (IsMtxPath(path)) return OpenMtxFolder(path, options.obs_table);
  UNLASTING_RETURN_IF_ERROR(SurvivesInChild(path, [&path, &options] {
    ReadEverything(path, options);
    return Hdf5LackedMemory() ? ChildFinding::kLacksMemory : ChildFinding::kReadable;
  }));
  return OpenHdf5(path, options);
}

absl::StatusOr<AnnData> ReadAnnData(const std::string& path) {
  UNLASTING_ASSIGN_OR_RETURN(auto reader, OpenReader(path));
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
