// WriteTinyBundle makes small bundles with random weights for tests that are not about training. It
// needs no LibTorch: source.pt, target.pt and mask.pt hold a line of text, for nothing that the
// server and the client do reads them. tiny_torch_bundle.h writes the same weights with real ones.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "core/bundle/write.h"

namespace unlasting::test {

struct TinyBundleOptions {
  std::string name = "tiny";
  bool genes = true;       // knows gene knockouts G0..G5 and the unmeasured U0, U1
  bool pairs = false;      // training had G3 and G4 perturbed together; needs `genes`
  bool molecules = false;  // knows the drug "aspirin" at 0.1 and 1 uM, and any SMILES
  // counts: as bundles before the descriptors; embeddings: vectors of 6 in place of SMILES, also of
  // the held-out drug "unseen".
  enum class Features { kDescriptors, kCounts, kEmbeddings } features = Features::kDescriptors;
  // Knows the treatments IFNB1 and LPS at 6 and 24 hours, by name or, with `treatment_vectors`, by
  // vectors of 3, then also the held-out treatment "TNF". Drugs then have hours too.
  bool treatments = false;
  bool treatment_vectors = false;
  std::string dose_gate = "linear";
  bool expected_response = true;  // starts from expected responses, as the default of training
  int cell_types = 2;             // "T0", "T1"
  int panel_cells = 30;           // per cell type
  // Mean sum of expm1 over a control cell's genes that the manifest records; 0: none.
  double control_sum = 0;
  // Records how counts vary, and the panel cells' library sizes.
  bool counts = true;
  uint64_t seed = 1;
};

// Genes G0..G23 (gene symbols S0..S23), counts normalised to 1000.
absl::Status WriteTinyBundle(const std::string& directory, const TinyBundleOptions& options = {});

// What WriteTinyBundle writes.
absl::StatusOr<bundle::BundleParts> TinyBundleParts(const TinyBundleOptions& options);

}  // namespace unlasting::test
