// principal_components.h finds the two directions in which cells differ most. Private to
// core/report.
#pragma once

#include <array>
#include <vector>

#include "core/base/matrix.h"

namespace unlasting::report {

struct PrincipalComponents {
  std::vector<double> mean;  // [genes]
  std::array<std::vector<double>, 2>
      direction;                         // unit vectors [genes]; zeros where cells vary less
  std::array<double, 2> share = {0, 0};  // of the total variance

  std::array<double, 2> Project(absl::Span<const float> cell) const;
};

// By orthogonal iteration from a fixed start, so that a page is the same every time; the sign makes
// the largest entry positive.
PrincipalComponents ComponentsOf(const DenseMatrix& cells);

}  // namespace unlasting::report
