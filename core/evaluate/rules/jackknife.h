// Jackknife measures how far the pseudobulk of a group of cells would move had one cell been left
// out: the noise that an unbiased distance between pseudobulks has to take off.
//
// The rule asks for (n-1)/n times the sum over genes and cells i of (v_i - mean v)^2, where v_i is
// ln(1 + 5e4 (S - y_i) / (T - L_i)) with S the group's sum of the gene, T of all genes, and L_i the
// total of cell i. Against v of the whole group, a cell that does not express the gene moves v by
// log1p(b x_i) with b = p / (1 + p), p = 5e4 S / T, x_i = L_i / (T - L_i). Sums over all cells of
// that are power series in b whose coefficients, moments of x, hold for every gene, so the cost is
// that of the cells that express a gene and not that of all cells.
#pragma once

#include <vector>

#include "absl/types/span.h"
#include "core/evaluate/rules/gene_cells.h"

namespace unlasting::evaluate::rules {

// The counts to which a pseudobulk is scaled.
constexpr double kBulkTarget = 5e4;

// The pseudobulk of a gene: ln(1 + 5e4 sum / total), 0 for a group without counts.
double Bulk(double sum, double total);

class Jackknife {
 public:
  Jackknife() = default;
  // The totals of all cells of the group.
  explicit Jackknife(absl::Span<const double> libraries);

  double total() const { return total_; }
  // One gene's term of C: (n-1)/n times the sum of squares about the mean. `sum` is the sum of the
  // counts of `expressed`, the cells of the group with a count other than 0.
  double GeneTerm(double sum, absl::Span<const Expressed> expressed) const;

 private:
  int64_t cells_ = 0;
  double total_ = 0;
  std::vector<double> moments_;  // of x over the cells where x is small: powers 1, 2, ...
  std::vector<double> large_;    // x of the other cells
  int64_t alone_ = 0;            // cells that hold all counts of the group: no bulk without them
};

}  // namespace unlasting::evaluate::rules
