#include "core/bundle/reference.h"

#include <algorithm>
#include <cmath>

#include "core/anndata/open_reader.h"
#include "core/anndata/writer.h"
#include "core/base/status.h"

namespace unlasting::bundle {
namespace {

DenseMatrix Transposed(const DenseMatrix& matrix) {
  DenseMatrix result(matrix.cols, matrix.rows);
  for (int64_t r = 0; r < matrix.rows; ++r) {
    for (int64_t c = 0; c < matrix.cols; ++c) result.At(c, r) = matrix.At(r, c);
  }
  return result;
}

CsrMatrix AmongMeasured(const CsrMatrix& network, int64_t genes) {
  CsrMatrix among;
  among.rows = among.cols = genes;
  for (int64_t r = 0; r < genes; ++r) {
    for (const int32_t source : network.RowIndices(r)) {
      if (source >= genes) continue;
      among.indices.push_back(source);
      among.values.push_back(1.0f);
    }
    among.indptr.push_back(static_cast<int64_t>(among.indices.size()));
  }
  return among;
}

absl::StatusOr<CsrMatrix> NetworkFromUns(const nlohmann::json& uns, int64_t nodes) {
  try {
    const auto sources = uns.at("network").at("source").get<std::vector<int64_t>>();
    const auto targets = uns.at("network").at("target").get<std::vector<int64_t>>();
    if (sources.size() != targets.size()) {
      return absl::InvalidArgumentError("uns/network: source and target differ in length");
    }
    CsrMatrix network;
    network.rows = network.cols = nodes;
    int64_t row = 0;
    for (size_t e = 0; e < sources.size(); ++e) {
      if (targets[e] < row || targets[e] >= nodes || sources[e] < 0 || sources[e] >= nodes) {
        return absl::InvalidArgumentError("uns/network: an edge is out of order or range");
      }
      while (row < targets[e]) {
        network.indptr.push_back(static_cast<int64_t>(e));
        ++row;
      }
      network.indices.push_back(static_cast<int32_t>(sources[e]));
      network.values.push_back(1.0f);
    }
    while (row++ < nodes) network.indptr.push_back(static_cast<int64_t>(sources.size()));
    return network;
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("uns/network: ", error.what()));
  }
}

absl::StatusOr<DenseMatrix> StatisticOf(const anndata::AnnData& data, const std::string& name,
                                        const Manifest& manifest) {
  const auto it = data.varm.find(name);
  const auto* dense = it == data.varm.end() ? nullptr : std::get_if<DenseMatrix>(&it->second);
  if (dense == nullptr || dense->rows != static_cast<int64_t>(manifest.genes.size()) ||
      dense->cols != static_cast<int64_t>(manifest.cell_types.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("varm/", name, ": expected a dense matrix [genes, cell types]"));
  }
  return Transposed(*dense);
}

// Of each panel cell, or empty where the file has none.
absl::StatusOr<std::vector<double>> LibrarySizesOf(const anndata::AnnData& data) {
  const anndata::Column* column = data.obs.Find("library_size");
  if (column == nullptr) return std::vector<double>();
  const auto* sizes = std::get_if<std::vector<double>>(column);
  const bool sound = sizes != nullptr && std::all_of(sizes->begin(), sizes->end(), [](double size) {
                       return size >= 0 && std::isfinite(size);
                     });
  if (!sound) {
    return absl::InvalidArgumentError("obs/library_size: expected finite numbers of 0 or more");
  }
  return *sizes;
}

absl::StatusOr<Reference> Convert(const Manifest& manifest, const anndata::AnnData& data) {
  if (data.var.index != manifest.genes) {
    return absl::InvalidArgumentError("var names are not the manifest's genes");
  }
  Reference reference;
  reference.panel = std::holds_alternative<DenseMatrix>(data.x)
                        ? std::get<DenseMatrix>(data.x)
                        : ToDense(std::get<CsrMatrix>(data.x));
  reference.panel_barcodes = data.obs.index;
  const anndata::Column* types = data.obs.Find("cell_type");
  if (types == nullptr) return absl::InvalidArgumentError("obs has no column 'cell_type'");
  for (const auto& type : anndata::AsStrings(*types)) {
    const auto known = std::find(manifest.cell_types.begin(), manifest.cell_types.end(), type);
    if (known == manifest.cell_types.end()) {
      return absl::InvalidArgumentError(absl::StrCat("obs/cell_type: unknown '", type, "'"));
    }
    reference.panel_cell_type.push_back(static_cast<int32_t>(known - manifest.cell_types.begin()));
  }
  UNLASTING_ASSIGN_OR_RETURN(reference.panel_library_sizes, LibrarySizesOf(data));
  UNLASTING_ASSIGN_OR_RETURN(reference.control_mean, StatisticOf(data, "control_mean", manifest));
  UNLASTING_ASSIGN_OR_RETURN(reference.control_deviation,
                             StatisticOf(data, "control_deviation", manifest));
  UNLASTING_ASSIGN_OR_RETURN(
      reference.network,
      NetworkFromUns(data.uns,
                     static_cast<int64_t>(manifest.genes.size() + manifest.perturbed_only.size())));
  return reference;
}

}  // namespace

std::vector<int64_t> Reference::PanelRows(int32_t cell_type) const {
  std::vector<int64_t> rows;
  for (size_t r = 0; r < panel_cell_type.size(); ++r) {
    if (panel_cell_type[r] == cell_type) rows.push_back(static_cast<int64_t>(r));
  }
  return rows;
}

absl::Status WriteReference(const Manifest& manifest, const Reference& reference,
                            const std::string& path) {
  anndata::AnnData data;
  data.x = ToCsr(reference.panel);
  data.obs.index = reference.panel_barcodes;
  data.obs.Set("cell_type",
               anndata::Categorical{reference.panel_cell_type, manifest.cell_types, false});
  if (!reference.panel_library_sizes.empty()) {
    data.obs.Set("library_size", reference.panel_library_sizes);
  }
  data.var.index = manifest.genes;
  data.varm["control_mean"] = Transposed(reference.control_mean);
  data.varm["control_deviation"] = Transposed(reference.control_deviation);
  data.varp["network"] =
      AmongMeasured(reference.network, static_cast<int64_t>(manifest.genes.size()));
  std::vector<int64_t> sources, targets;
  for (int64_t r = 0; r < reference.network.rows; ++r) {
    for (const int32_t source : reference.network.RowIndices(r)) {
      sources.push_back(source);
      targets.push_back(r);
    }
  }
  std::vector<std::string> nodes = manifest.genes;
  nodes.insert(nodes.end(), manifest.perturbed_only.begin(), manifest.perturbed_only.end());
  data.uns["network"] = {{"source", sources}, {"target", targets}, {"nodes", nodes}};
  data.uns["cell_types"] = manifest.cell_types;
  return anndata::WriteAnnData(data, path);
}

absl::StatusOr<Reference> ReadReference(const Manifest& manifest, const std::string& path) {
  UNLASTING_ASSIGN_OR_RETURN(const auto data, anndata::ReadAnnData(path));
  auto reference = Convert(manifest, data);
  if (!reference.ok()) return Annotate(reference.status(), path);
  return reference;
}

}  // namespace unlasting::bundle
