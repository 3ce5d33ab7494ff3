// This header declares the kernel ridge regression of whole profiles. Private to core/evaluate.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace unlasting::evaluate {

// Predicts a profile as the mean of the known ones plus a line in the features; the penalty is the
// one with the smallest leave-one-out error, so features that say nothing leave the mean.
class Ridge {
 public:
  // `features` and `profiles` have a row for each of n observations, rows of equal length. Absent
  // for fewer than three, which leave nothing to choose a penalty by, and for features that do not
  // vary. Costs about n^2 (features + 7 profile lengths) + 7 n^3 operations.
  static std::optional<Ridge> Fit(std::vector<std::vector<double>> features,
                                  const std::vector<std::vector<double>>& profiles);

  size_t features() const { return centre_.size(); }
  // Contract: as many features as those of the fit.
  std::vector<double> Predict(const std::vector<double>& features) const;

 private:
  std::vector<std::vector<double>> features_;  // centred
  std::vector<double> centre_;                 // of the features
  std::vector<double> mean_;                   // of the profiles
  std::vector<std::vector<double>> weights_;   // a profile for each observation
};

}  // namespace unlasting::evaluate
