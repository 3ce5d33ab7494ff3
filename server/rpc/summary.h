// Predicted cells of one perturbation against their control cells, gene by gene.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/matrix.h"
#include "core/predict/job/job.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

// Computes the control cells' moments once for all perturbations of a request. Const members may be
// called from any thread.
class Summarizer {
 public:
  // `controls` is [cells, N], log1p, and outlives this; `columns` are the genes to report, named by
  // `genes`.
  Summarizer(const CsrMatrix& controls, std::vector<int64_t> columns,
             std::vector<std::string> genes, int ranked_genes);

  v1::PerturbationSummary Summarize(const predict::Profiles& profiles) const;

 private:
  const CsrMatrix& controls_;
  const std::vector<int64_t> columns_;
  const std::vector<std::string> genes_;
  const int ranked_genes_;
  std::vector<double> control_mean_;      // per entry of columns_
  std::vector<double> control_variance_;  // n - 1; 0 for a single cell
};

}  // namespace unlasting::server
