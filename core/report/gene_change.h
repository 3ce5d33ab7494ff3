// GeneChange says what a prediction makes of one gene.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace unlasting::report {

struct GeneChange {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

  std::string gene;    // as the model names it
  std::string symbol;  // as readers know it; the same where there is no other
  // Of log1p values; the shares are of cells with a value above 0, 0 to 1.
  double control_mean = 0, mean = 0;
  double control_share = kUnknown, share = kUnknown;
  double log2_fold_change = 0;
  double score = kUnknown;       // Welch's t
  double p_adjusted = kUnknown;  // Benjamini-Hochberg over the genes tested
};

// Below this adjusted p value a gene is said to change.
constexpr double kSignificant = 0.05;

// Genes with an adjusted p value below 0.05 whose mean rises and falls, and the Euclidean length of
// the mean change.
struct ChangeCount {
  int64_t up = 0, down = 0, tested = 0;
  double length = 0;
};
ChangeCount CountChanges(const std::vector<GeneChange>& genes);

}  // namespace unlasting::report
