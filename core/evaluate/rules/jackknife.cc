#include "core/evaluate/rules/jackknife.h"

#include <algorithm>
#include <cmath>

namespace unlasting::evaluate::rules {
namespace {

// Where x is below this, `kMaxTerms` terms give all digits: 0.25^32 is 5e-20.
constexpr double kSmall = 0.25;
constexpr int kMaxTerms = 32;
constexpr double kDigits = 44;  // -ln of what a dropped term may add

// Coefficients of u^j in log1p(u) and in log1p(u)^2, from j = 1 on.
struct Series {
  double first[kMaxTerms], second[kMaxTerms];
  Series() {
    double harmonic = 0;
    for (int j = 1; j <= kMaxTerms; ++j) {
      const double sign = j % 2 == 1 ? 1 : -1;
      first[j - 1] = sign / j;
      second[j - 1] = -sign * 2 * harmonic / j;
      harmonic += 1.0 / j;
    }
  }
};

}  // namespace

double Bulk(double sum, double total) {
  return total > 0 ? std::log1p(kBulkTarget * sum / total) : 0.0;
}

Jackknife::Jackknife(absl::Span<const double> libraries)
    : cells_(static_cast<int64_t>(libraries.size())) {
  for (const double library : libraries) total_ += library;
  double largest = 0;
  std::vector<double> small;
  for (const double library : libraries) {
    if (library == 0) continue;
    if (library == total_) {
      ++alone_;
      continue;
    }
    const double x = library / (total_ - library);
    (x < kSmall ? small : large_).push_back(x);
    if (x < kSmall) largest = std::max(largest, x);
  }
  if (small.empty()) return;
  const int terms = std::min<int>(kMaxTerms, 3 + static_cast<int>(-kDigits / std::log(largest)));
  moments_.assign(terms, 0);
  for (const double x : small) {
    double power = 1;
    for (double& moment : moments_) moment += power *= x;
  }
}

double Jackknife::GeneTerm(double sum, absl::Span<const Expressed> expressed) const {
  static const Series series;
  if (cells_ < 2 || total_ == 0 || sum == 0) return 0;
  const double p = kBulkTarget * sum / total_, b = p / (1 + p), bulk = std::log1p(p);
  double shift = 0, square = 0;  // sums over cells of v_i - v, and of its square
  double power = 1;
  for (size_t j = 0; j < moments_.size(); ++j) {
    power *= b;
    shift += series.first[j] * power * moments_[j];
    square += series.second[j] * power * moments_[j];
  }
  const auto add = [&](double difference, double sign) {
    shift += sign * difference;
    square += sign * difference * difference;
  };
  for (const double x : large_) add(std::log1p(b * x), 1);
  // Without such a cell the bulk is 0 for every gene, whether or not the cell expresses it.
  for (int64_t k = 0; k < alone_; ++k) add(-bulk, 1);
  for (const Expressed& cell : expressed) {
    const double rest = total_ - cell.library;
    if (rest == 0) continue;
    add(std::log1p(b * cell.library / rest), -1);
    const double moved = kBulkTarget * (sum * cell.library - cell.count * total_) / (total_ * rest);
    add(std::log1p(moved / (1 + p)), 1);
  }
  const double n = static_cast<double>(cells_);
  return (n - 1) / n * (square - shift * shift / n);
}

}  // namespace unlasting::evaluate::rules
