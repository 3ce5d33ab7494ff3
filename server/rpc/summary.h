// A Summarizer compares the predicted cells of each perturbation of a call with their control
// cells, gene by gene.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/matrix.h"
#include "core/predict/job/job.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

// The control cells' means and variances are computed once for all perturbations. Any thread may
// call const members.
class Summarizer {
 public:
  // `controls` is [cells, genes of the model], log1p, and outlives this. `columns` are the columns
  // to report and `genes` their names; `ranked_genes` is how many to rank. Genes of
  // `not_ranked`, which the control cells lack, take no place in rankings.
  Summarizer(const CsrMatrix& controls, std::vector<int64_t> columns,
             std::vector<std::string> genes, int ranked_genes,
             const std::vector<std::string>& not_ranked = {});

  v1::PerturbationSummary Summarize(const predict::Profiles& profiles) const;

 private:
  const CsrMatrix& controls_;
  const std::vector<int64_t> columns_;
  const std::vector<std::string> genes_;
  const int ranked_genes_;
  std::vector<size_t> ranked_columns_;    // entries of columns_ that may take a place
  std::vector<double> control_mean_;      // per entry of columns_
  std::vector<double> control_variance_;  // unbiased (n - 1); 0 for a single cell
};

}  // namespace unlasting::server
