#include "core/model/cpu/psi.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace unlasting::model::cpu {
namespace {

constexpr double kReach = 64.0;
constexpr double kNear = 4.0;

}  // namespace

template <typename T>
Psi<T>::Psi(const NetworkWeights<T>& arrays, const std::string& prefix, int64_t dim)
    : dim_(dim), padded_(Padded(dim)) {
  const auto padded = [&](const char* name) {
    return PadRows(arrays.at(prefix + name).data(), 1, dim, padded_);
  };
  in_ = padded("_in");
  bias_ = padded("_bias");
  out_bias_ = padded("_out_bias");
  out_raw_ = arrays.at(prefix + "_out");
  out_ = PackedMatrix<T>(out_raw_.data(), dim, dim, padded_);
  if (std::is_same_v<T, float>) Tabulate();
}

template <typename T>
void Psi<T>::Tabulate() {
  // Value and slope in double; [2, dim].
  const auto exact = [&](double v) {
    std::vector<double> row(2 * dim_, 0.0);
    for (int64_t d = 0; d < dim_; ++d) row[d] = out_bias_[d];
    for (int64_t k = 0; k < dim_; ++k) {
      const double z = v * in_[k] + bias_[k];
      const double s = 1.0 / (1.0 + std::exp(-z));
      const double slope = in_[k] * s * (1.0 + z * (1.0 - s));
      for (int64_t d = 0; d < dim_; ++d) {
        row[d] += z * s * out_raw_[k * dim_ + d];
        row[dim_ + d] += slope * out_raw_[k * dim_ + d];
      }
    }
    return row;
  };
  for (const double step : {1.0 / 16, 1.0 / 32, 1.0 / 64}) {
    const auto rows = static_cast<int64_t>(2 * kReach / step) + 1;
    std::vector<std::vector<double>> nodes;
    for (int64_t k = 0; k < rows; ++k) nodes.push_back(exact(-kReach + k * step));
    double size = 0, error = 0;
    for (int64_t k = 0; k + 1 < rows; ++k) {
      const double v = -kReach + (k + 0.5) * step;
      // Far out Psi is all but linear: the middle of every cell near 0, every eighth elsewhere.
      if (std::abs(v) > 2 * kNear && k % 8 != 0) continue;
      const auto truth = exact(v);
      for (int64_t d = 0; d < dim_; ++d) {
        if (std::abs(v) <= kNear) size = std::max(size, std::abs(truth[d]));
        const double middle = 0.5 * (nodes[k][d] + nodes[k + 1][d]) +
                              0.125 * step * (nodes[k][dim_ + d] - nodes[k + 1][dim_ + d]);
        error = std::max(error, std::abs(middle - truth[d]));
      }
    }
    if (error > kTableError * size) continue;
    table_error_ = error;
    table_.assign(rows * 2 * padded_, T{0});
    for (int64_t k = 0; k < rows; ++k) {
      for (int64_t d = 0; d < dim_; ++d) {
        table_[(2 * k) * padded_ + d] = static_cast<T>(nodes[k][d]);
        table_[(2 * k + 1) * padded_ + d] = static_cast<T>(step * nodes[k][dim_ + d]);
      }
    }
    grid_.low = static_cast<T>(-kReach);
    grid_.inverse_step = static_cast<T>(1.0 / step);
    grid_.rows = rows;
    grid_.dim = padded_;
    grid_.values = table_.data();
    return;
  }
}

template <typename T>
void Psi<T>::AddComputed(const T* x, int64_t rows, T* out, T* scratch) const {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < padded_; ++k) scratch[r * padded_ + k] = x[r] * in_[k] + bias_[k];
    for (int64_t k = 0; k < padded_; ++k) out[r * padded_ + k] += out_bias_[k];
  }
  BestKernels<T>().silu(scratch, rows * padded_);
  out_.Multiply(scratch, padded_, rows, nullptr, /*accumulate=*/true, out, padded_);
}

template <typename T>
void Psi<T>::Add(const T* x, int64_t rows, T* out, T* scratch, int32_t* outside) const {
  if (!tabulated()) return AddComputed(x, rows, out, scratch);
  const int64_t missed = BestKernels<T>().add_psi(grid(), x, rows, out, outside);
  for (int64_t k = 0; k < missed; ++k) {
    AddComputed(x + outside[k], 1, out + outside[k] * padded_, scratch);
  }
}

template class Psi<float>;
template class Psi<double>;

}  // namespace unlasting::model::cpu
