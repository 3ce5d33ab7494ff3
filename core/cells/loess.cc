#include "core/cells/loess.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

namespace unlasting::cells {
namespace {

// Weighted least squares of y on 1, d, d^2; the value at d = 0. Falls back to lower degrees where
// the points do not determine a curve.
double FitAtZero(const double (&m)[5], const double (&v)[3]) {
  const double a = m[0], b = m[1], c = m[2], d = m[3], e = m[4];
  // Cramer's rule for the symmetric matrix [[a b c] [b c d] [c d e]].
  const double determinant = a * (c * e - d * d) - b * (b * e - c * d) + c * (b * d - c * c);
  if (std::abs(determinant) > 1e-12 * a * c * e) {
    return (v[0] * (c * e - d * d) - b * (v[1] * e - d * v[2]) + c * (v[1] * d - c * v[2])) /
           determinant;
  }
  const double line = a * c - b * b;
  if (line > 1e-12 * a * c) return (v[0] * c - b * v[1]) / line;
  return a > 0 ? v[0] / a : 0.0;
}

}  // namespace

std::vector<double> Loess(const std::vector<double>& x, const std::vector<double>& y, double span) {
  const auto n = static_cast<int64_t>(x.size());
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return x[a] < x[b]; });
  std::vector<double> sorted_x, sorted_y;
  for (const int64_t k : order) {
    sorted_x.push_back(x[k]);
    sorted_y.push_back(y[k]);
  }
  const int64_t neighbours = std::clamp<int64_t>(static_cast<int64_t>(span * n), 1, n);
  std::vector<double> fitted(n);
  int64_t low = 0;
  for (int64_t at = 0; at < n; ++at) {
    const double centre = sorted_x[at];
    // The window of the nearest points only moves right.
    while (low + neighbours < n && sorted_x[low + neighbours] - centre < centre - sorted_x[low]) {
      ++low;
    }
    const double radius =
        std::max(centre - sorted_x[low], sorted_x[low + neighbours - 1] - centre) * 1.001;
    double moments[5] = {0}, values[3] = {0};
    for (int64_t k = low; k < low + neighbours; ++k) {
      // In units of the radius, so that the normal equations stay well conditioned.
      const double d = radius > 0 ? (sorted_x[k] - centre) / radius : 0.0;
      const double r = std::abs(d);
      const double u = 1 - r * r * r;
      double weight = u * u * u;
      for (int power = 0; power < 5; ++power) {
        moments[power] += weight;
        if (power < 3) values[power] += weight * sorted_y[k];
        weight *= d;
      }
    }
    fitted[order[at]] = FitAtZero(moments, values);
  }
  return fitted;
}

}  // namespace unlasting::cells
