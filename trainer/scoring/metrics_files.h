// The files of `unlasting-train metrics`: what they say of their cells, and the scale and the genes
// on which these are compared.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/cells/normalised_file.h"
#include "trainer/scoring/metrics_options.h"

namespace unlasting::trainer {

// One file that is named twice is opened once.
struct MetricsFiles {
  std::shared_ptr<cells::NormalisedFile> predicted;
  std::shared_ptr<cells::NormalisedFile> truth;
  std::shared_ptr<cells::NormalisedFile> control;
  std::shared_ptr<cells::NormalisedFile> training;  // may be null
  // Those that all files measure, in the order of the predictions.
  std::vector<std::string> genes;
  double target_sum = 0;  // of counts; 0 where no file holds any

  // Those that can hold counts, with their paths, each once.
  std::vector<std::pair<std::string, cells::NormalisedFile*>> Measured(
      const MetricsOptions& options) const;
  // Symbols where a file gives them: readers of a page know genes by those.
  std::vector<std::string> ReadableGenes() const;
};

// Remarks on what is normalised and left out go to `err`. INVALID_ARGUMENT where the files share
// no gene, NOT_FOUND for a column that the user named and a file lacks.
absl::StatusOr<MetricsFiles> OpenMetricsFiles(const MetricsOptions& options, std::ostream& err);

// The first few, for messages.
std::string Shortened(const std::vector<std::string>& names);

}  // namespace unlasting::trainer
