// Reference holds what a bundle knows of its control cells. ReadReference and WriteReference keep
// it in the bundle's reference.h5ad. X: the control panel, log1p; obs/cell_type and, where the
// training cells were counts, obs/library_size; varm/control_mean
// and varm/control_deviation [N, cell types]; varp/network [N, N] among measured genes (row =
// target); uns/network: all edges by node index, the extra nodes included. Plain values; any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"
#include "core/bundle/manifest.h"
#include "core/bundle/molecule_table.h"

namespace unlasting::bundle {

// Control cells that ship with the bundle, and the statistics of eq 5.
struct Reference {
  DenseMatrix panel;                     // [panel cells, N], log1p
  std::vector<int32_t> panel_cell_type;  // index into manifest.cell_types
  std::vector<std::string> panel_barcodes;
  // Counts over all measured genes of each panel cell; empty where they are not known.
  std::vector<double> panel_library_sizes;
  DenseMatrix control_mean;       // [cell types, N], log1p
  DenseMatrix control_deviation;  // [cell types, N], log1p
  CsrMatrix network;  // [N', N'], row = target gene, column = source gene, 1 where an edge
  // Of bundles trained on embeddings: the drugs of the training file by name, each [Ds].
  MoleculeTable molecules;
  // Of bundles whose treatments have vectors: the treatments of the training file, each [Dt].
  MoleculeTable treatments;

  // Rows of the panel that belong to a cell type.
  std::vector<int64_t> PanelRows(int32_t cell_type) const;
};

absl::Status WriteReference(const Manifest& manifest, const Reference& reference,
                            const std::string& path);
// INVALID_ARGUMENT where the file does not fit the manifest.
absl::StatusOr<Reference> ReadReference(const Manifest& manifest, const std::string& path);

}  // namespace unlasting::bundle
