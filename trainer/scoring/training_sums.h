// What scoring needs of the training cells: sums, so that no training cell is held.
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

// `with_dose`: a drug at two doses is two conditions; else its name alone tells conditions apart.
// Drugs have the features of their structure beside the log10 of the dose in micromolar; those that
// RDKit cannot read have none.
evaluate::Perturbed PerturbedOf(const cells::Condition& condition, bool with_dose);

// Gathers log1p values of blocks of rows by condition and cell type. Memory: 8 bytes a gene for
// each of these, 24 for drugs.
class TrainingSums {
 public:
  // Of the cells that are not `left_out` (empty: all). `annotations`, which must outlive this, need
  // hold no values; blocks are over `genes`.
  TrainingSums(const cells::Dataset& annotations, std::vector<bool> left_out,
               std::vector<std::string> genes, bool with_dose);

  // `block` holds the rows from `first` on; every row is to come once.
  void Add(int64_t first, const CsrMatrix& block);

  // Shifts are means over the cell types in which both the condition and control cells were
  // measured.
  evaluate::ShiftBaselines Baselines() const;
  // Each drug, dose and cell type, for the dose-response curves of a report. {} without doses.
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
  // By key, with the first condition that bears it, and by cell type.
  struct OfCondition {
    const cells::Condition* condition = nullptr;
    std::map<int32_t, Sums> by_type;
  };
  std::map<std::string, OfCondition> sums_;
};

}  // namespace unlasting::trainer
