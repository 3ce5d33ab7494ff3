// The artifact on disk: a folder of manifest.json, source.pt, target.pt, mask.pt, reference.h5ad,
// card.md and training.jsonl, written and replaced as a whole (docs/bundle.md).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"
#include "core/bundle/manifest.h"
#include "core/bundle/molecule_table.h"
#include "core/bundle/trained_genes.h"

namespace unlasting::bundle {

// Control cells that ship with the bundle, and the statistics of eq 5.
struct Reference {
  DenseMatrix panel;                     // [panel cells, N], log1p
  std::vector<int32_t> panel_cell_type;  // index into manifest.cell_types
  std::vector<std::string> panel_barcodes;
  DenseMatrix control_mean;       // [cell types, N], log1p
  DenseMatrix control_deviation;  // [cell types, N], log1p
  CsrMatrix network;  // [N', N'], row = target gene, column = source gene, 1 where an edge
  // Of bundles trained on embeddings: the drugs of the training file by name, each [Ds].
  MoleculeTable molecules;

  // Rows of the panel that belong to a cell type.
  std::vector<int64_t> PanelRows(int32_t cell_type) const;
};

// The TorchScript modules; defined in core/bundle/torch/modules.h for the rooms that see LibTorch.
struct Modules;

struct LoadOptions {
  // The plain tensor form of the exported files in place of the fused operator: slower; the
  // reference for parity tests.
  bool plain_attention = false;
};

// Immutable after loading; shared between threads.
class Bundle {
 public:
  // Checks schema, sizes and hashes before anything is deserialised. NOT_FOUND where the folder or
  // a file is absent, DATA_LOSS where a size or hash differs, FAILED_PRECONDITION for a foreign
  // schema, INVALID_ARGUMENT for a malformed manifest or module.
  static absl::StatusOr<std::shared_ptr<const Bundle>> Load(const std::string& directory,
                                                            const LoadOptions& options = {});
  ~Bundle();

  const Manifest& manifest() const { return manifest_; }
  const Reference& reference() const { return reference_; }
  const TrainedGenes& trained_genes() const { return trained_genes_; }
  const Modules& modules() const { return *modules_; }
  const std::string& directory() const { return directory_; }
  // SHA-256 of manifest.json, which holds the hashes of all else.
  const std::string& hash() const { return hash_; }

 private:
  Bundle();
  std::string directory_;
  std::string hash_;
  Manifest manifest_;
  Reference reference_;
  TrainedGenes trained_genes_;
  std::unique_ptr<Modules> modules_;
};

}  // namespace unlasting::bundle
