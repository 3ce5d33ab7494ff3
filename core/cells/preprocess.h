// Preprocess turns the cells of a file into the cells that a model trains on (spec section 1): it
// splits, normalises, selects genes and finds the scale.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/cells/dataset.h"
#include "core/cells/split.h"

namespace unlasting::cells {

struct PreprocessOptions {
  std::string target_sum = "median";  // of the training cells, or a number
  int64_t genes = 2000;               // highly variable genes to keep; 0 keeps all
  std::string hvg_flavor = "seurat";  // or seurat_v3, which needs counts
  SplitOptions split;
};

struct Prepared {
  Dataset data;  // log1p, selected genes
  Split split;
  MatrixKind kind = MatrixKind::kCounts;  // of the file
  double target_sum = 0;                  // 0: the file was log1p already, of an unknown sum
  std::vector<double> library_size;       // per cell, counts over all genes; empty of log1p files
  std::string remark;                     // on the scale of the file's logarithms; "" for nothing
  double x_max = 1;                       // largest training value: the model sees values / x_max
  // Perturbed genes without expression in `data`: extra nodes of the gene network.
  std::vector<std::string> perturbed_only;

  // Node of the gene network: data.genes first, then perturbed_only; -1 where unknown.
  int32_t NodeOf(const std::string& gene) const;
};

// Statistics (median, dispersions, x_max) come from training cells only. Perturbed genes that are
// measured are always kept. INVALID_ARGUMENT names the option at fault.
absl::StatusOr<Prepared> Preprocess(Dataset dataset, const PreprocessOptions& options);

// Does the same from a file of any size: it reads obs and var, passes over the values once for
// statistics (twice for seurat_v3), and once more for the selected genes, which alone are held. The
// result is that of LoadDataset and Preprocess. `progress` may be empty; it is told the rows done
// and the rows to do, over all passes.
using PreprocessProgress = std::function<void(int64_t done, int64_t total)>;
absl::StatusOr<Prepared> PreprocessFile(const std::string& path, const LoadOptions& load,
                                        const PreprocessOptions& options,
                                        const PreprocessProgress& progress = nullptr);

}  // namespace unlasting::cells
