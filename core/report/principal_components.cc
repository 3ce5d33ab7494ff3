#include "core/report/principal_components.h"

#include <algorithm>
#include <cmath>

namespace unlasting::report {
namespace {

constexpr int kIterations = 60;

double Dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t g = 0; g < a.size(); ++g) sum += a[g] * b[g];
  return sum;
}

void Scale(double factor, std::vector<double>* a) {
  for (double& value : *a) value *= factor;
}

// Makes the second orthogonal to the first and both of length 1, or 0 where nothing is left.
void Orthonormalise(std::array<std::vector<double>, 2>* directions) {
  auto& [first, second] = *directions;
  const auto normalise = [](std::vector<double>* a) {
    const double length = std::sqrt(Dot(*a, *a));
    Scale(length > 1e-9 ? 1 / length : 0, a);
  };
  normalise(&first);
  const double along = Dot(first, second);
  for (size_t g = 0; g < first.size(); ++g) second[g] -= along * first[g];
  normalise(&second);
}

}  // namespace

std::array<double, 2> PrincipalComponents::Project(absl::Span<const float> cell) const {
  std::array<double, 2> place = {0, 0};
  for (size_t g = 0; g < mean.size(); ++g) {
    const double centred = cell[g] - mean[g];
    place[0] += centred * direction[0][g];
    place[1] += centred * direction[1][g];
  }
  return place;
}

PrincipalComponents ComponentsOf(const DenseMatrix& cells) {
  PrincipalComponents components;
  components.mean.assign(cells.cols, 0.0);
  for (int64_t r = 0; r < cells.rows; ++r) {
    const auto row = cells.Row(r);
    for (int64_t g = 0; g < cells.cols; ++g) components.mean[g] += row[g];
  }
  for (double& mean : components.mean)
    mean /= static_cast<double>(std::max<int64_t>(cells.rows, 1));
  for (int k = 0; k < 2; ++k) {
    auto& direction = components.direction[k];
    direction.resize(cells.cols);
    for (int64_t g = 0; g < cells.cols; ++g) direction[g] = std::cos((1.0 + k) * (1.0 + g));
  }
  Orthonormalise(&components.direction);
  double total = 0;
  for (int iteration = 0; iteration <= kIterations; ++iteration) {
    std::array<std::vector<double>, 2> next = {std::vector<double>(cells.cols),
                                               std::vector<double>(cells.cols)};
    std::array<double, 2> variance = {0, 0};
    total = 0;
    for (int64_t r = 0; r < cells.rows; ++r) {
      const auto row = cells.Row(r);
      const auto place = components.Project(row);
      for (int64_t g = 0; g < cells.cols; ++g) {
        const double centred = row[g] - components.mean[g];
        next[0][g] += place[0] * centred;
        next[1][g] += place[1] * centred;
        total += centred * centred;
      }
      for (int k = 0; k < 2; ++k) variance[k] += place[k] * place[k];
    }
    for (int k = 0; k < 2; ++k) components.share[k] = total > 0 ? variance[k] / total : 0;
    if (iteration == kIterations) break;
    components.direction = std::move(next);
    Orthonormalise(&components.direction);
  }
  for (auto& direction : components.direction) {
    const auto largest =
        std::max_element(direction.begin(), direction.end(),
                         [](double a, double b) { return std::abs(a) < std::abs(b); });
    if (largest != direction.end() && *largest < 0) Scale(-1, &direction);
  }
  return components;
}

}  // namespace unlasting::report
