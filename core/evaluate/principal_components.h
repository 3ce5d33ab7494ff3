// PrincipalComponents projects cells on the directions in which they differ most.
#pragma once

#include <Eigen/Core>

namespace unlasting::evaluate {

// Scores [rows, k] of the rows of `cells` on the k = min(count, rows, columns) directions of most
// variance, the largest last; the sign of a direction means nothing. Accurate to rounding. Takes
// rows columns min(rows, columns) operations, and little more where few directions are asked for.
Eigen::MatrixXd PrincipalComponents(const Eigen::MatrixXd& cells, Eigen::Index count);

}  // namespace unlasting::evaluate
