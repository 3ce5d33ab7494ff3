// LoggedValues gives the values of one side on the scale of rule `cell-eval`: counts scaled to the
// side's median cell total, then ln(1 + x), in float32 as the reference computes them.
#pragma once

#include <vector>

#include "core/evaluate/rules/cell_table.h"

namespace unlasting::evaluate::rules {

class LoggedValues {
 public:
  // One pass over the rows. A side with a fraction anywhere is taken as logged already.
  // INVALID_ARGUMENT names the table, cell and gene of a value that is negative or not finite, or
  // of a logged one of 15 or more.
  static absl::StatusOr<LoggedValues> Survey(const CellTable& table);

  float Value(int64_t cell, float value) const;
  bool logged() const { return logged_; }
  double median_total() const { return median_; }  // of the cells that hold any counts
  const std::vector<int64_t>& expressed() const { return expressed_; }  // cells, per gene

 private:
  bool logged_ = false;
  float median_ = 0;
  std::vector<float> scale_;  // per cell: its total over the median
  std::vector<int64_t> expressed_;
};

}  // namespace unlasting::evaluate::rules
