// The files of `unlasting-train metrics`, brought to the same genes and the same scale.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/cells/dataset.h"
#include "trainer/metrics_command.h"

namespace unlasting::trainer {

// One file that is named twice is held once. Afterwards: log1p values over the genes that all files
// measure, in the order of the predictions.
struct MetricsFiles {
  std::shared_ptr<cells::Dataset> predicted;
  std::shared_ptr<cells::Dataset> truth;
  std::shared_ptr<cells::Dataset> control;
  std::shared_ptr<cells::Dataset> training;  // may be null

  // Those that can hold counts, with their paths, each once.
  std::vector<std::pair<std::string, cells::Dataset*>> Measured(
      const MetricsOptions& options) const;
  // Symbols where a file gives them: readers of a page know genes by those.
  std::vector<std::string> ReadableGenes() const;
};

// Remarks on what was normalised and left out go to `err`. INVALID_ARGUMENT where the files share
// no gene, NOT_FOUND for a column that the user named and a file lacks.
absl::StatusOr<MetricsFiles> LoadMetricsFiles(const MetricsOptions& options, std::ostream& err);

// The first few, for messages.
std::string Shortened(const std::vector<std::string>& names);

}  // namespace unlasting::trainer
