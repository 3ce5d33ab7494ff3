// LoggedTable is what rule `cell-eval` knows about one side: means of logged values, and the test
// of every gene of every perturbation against the side's own control.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/evaluate/rules/cell_table.h"
#include "core/evaluate/rules/logged_values.h"

namespace unlasting::evaluate::rules {

struct LoggedTable {
  int64_t targets = 0, genes = 0;
  std::vector<double> mean;   // [targets + 1, genes], the control's last
  std::vector<double> p;      // [targets, genes]
  std::vector<float> change;  // [targets, genes]: log2 fold changes, infinite where one mean is 0
  std::vector<float> q;       // [targets, genes]: p adjusted over all genes

  absl::Span<const double> Mean(int64_t group) const {
    return {mean.data() + group * genes, static_cast<size_t>(genes)};
  }
  // The mean change against the side's own control, [genes].
  std::vector<double> Delta(int64_t target) const;
  bool Significant(int64_t target, int64_t gene) const { return q[target * genes + gene] < 0.05f; }
  int64_t CountSignificant(int64_t target) const;
};

// As many passes over the rows as ranges of genes of `column_bytes`.
absl::StatusOr<LoggedTable> MakeLoggedTable(const CellTable& table, const Groups& groups,
                                            const LoggedValues& values, int threads,
                                            int64_t column_bytes);

}  // namespace unlasting::evaluate::rules
