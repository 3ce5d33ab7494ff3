// TrainingSums gathers what the baselines and the dose curves need of the training cells as sums,
// so that no training cell stays in memory. One thread at a time.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/matrix.h"
#include "core/cells/dataset.h"
#include "core/evaluate/shift_baselines.h"
#include "core/report/report.h"

namespace unlasting::trainer {

// With `with_dose` a drug at two doses is two conditions; without, conditions are told apart by
// name. The features of a drug are its fingerprint and the log10 of its dose in micromolar; a drug
// whose SMILES RDKit cannot read has none.
evaluate::Perturbed PerturbedOf(const cells::Condition& condition, bool with_dose);

// Sums log1p values by condition and cell type, block of rows by block of rows. Memory: 8 bytes per
// gene for each condition in a cell type, 24 for drugs.
class TrainingSums {
 public:
  // Cells that are `left_out` do not count (empty: every cell counts). `annotations` must outlive
  // the object and needs no values; blocks have `genes` as columns.
  TrainingSums(const cells::Dataset& annotations, std::vector<bool> left_out,
               std::vector<std::string> genes, bool with_dose);

  // `block` holds the rows from `first` on; each row is added once.
  void Add(int64_t first, const CsrMatrix& block);

  // One shift for each condition in each cell type in which both the condition and control cells
  // were measured.
  evaluate::ShiftBaselines Baselines() const;
  // One entry per drug, dose and cell type, for the dose-response curves of a report; none without
  // `with_dose`.
  std::vector<report::TrainedDose> Doses() const;

 private:
  struct Sums {
    int64_t cells = 0;
    std::vector<double> values;
    std::vector<double> squares, active;  // drugs alone have these
  };

  const cells::Dataset& annotations_;
  std::vector<bool> left_out_;
  std::vector<std::string> genes_;
  bool with_dose_;
  std::vector<std::string> keys_;  // per condition; "" is the control
  // The sums of one key, by cell type, with the first condition that has the key.
  struct OfCondition {
    const cells::Condition* condition = nullptr;
    std::map<int32_t, Sums> by_type;
  };
  std::map<std::string, OfCondition> sums_;
};

}  // namespace unlasting::trainer
