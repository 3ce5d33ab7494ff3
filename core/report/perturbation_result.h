// PerturbationResult is what a page shows of one perturbation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/matrix.h"
#include "core/report/gene_change.h"
#include "core/report/page.h"
#include "core/report/remark.h"

namespace unlasting::report {

// All text is plain.
struct PerturbationResult {
  std::string name;
  Facts facts;
  std::vector<Remark> remarks;  // on its distance to training and its predicted error
  std::vector<std::string> notes;
  std::string seen;                              // in training: "yes", "no" or more words
  double expected_error = GeneChange::kUnknown;  // E-distance
  std::string expected_error_range;              // of the interval, "" for none
  std::vector<GeneChange> genes;                 // without those that were filled in
  int64_t cells = 0;                             // that were predicted
  // Some of the cells over `genes`, on the scale of the plots. No rows: not at hand.
  DenseMatrix control, predicted;
  // Sentence on the cells that are plotted; "" for nothing to say.
  std::string plotted;
  bool with_plots = true;  // false: tables alone, for results of very many perturbations
};

}  // namespace unlasting::report
