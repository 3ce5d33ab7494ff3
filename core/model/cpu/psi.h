// Psi embeds one number (Psi_x and Psi_ctrl of eq 7-10) and uses a table where that is accurate
// enough.
#pragma once

#include <cstdint>
#include <vector>

#include "core/model/cpu/matrix.h"

namespace unlasting::model::cpu {

// Psi(v) = silu(v in + bias) out + out_bias. In float32 a cubic Hermite table over [-64, 64] stands
// for it, refined until it is within kTableError of the largest value near 0, at points between the
// nodes; numbers beyond the table, and networks no table fits, are computed. In float64 all are.
template <typename T>
class Psi {
 public:
  static constexpr double kTableError = 1e-6;

  Psi() = default;
  // `prefix` is "psi_x" or "psi_control".
  Psi(const NetworkWeights<T>& arrays, const std::string& prefix, int64_t dim);

  // out[rows, padded dim] += Psi(x[rows]). `scratch` holds rows * padded dim values, `outside`
  // rows.
  void Add(const T* x, int64_t rows, T* out, T* scratch, int32_t* outside) const;

  bool tabulated() const { return grid_.rows > 0; }
  // The table, as long as this lives where it does; no rows without one.
  PsiGrid<T> grid() const {
    PsiGrid<T> grid = grid_;
    grid.values = table_.data();
    return grid;
  }
  // Largest error seen when the table was made, in units of the values; 0 without a table.
  double table_error() const { return table_error_; }

 private:
  void Tabulate();
  void AddComputed(const T* x, int64_t rows, T* out, T* scratch) const;

  int64_t dim_ = 0;
  int64_t padded_ = 0;
  AlignedVector<T> in_, bias_, out_bias_;  // [padded]
  AlignedVector<T> out_raw_;               // [dim, dim]
  PackedMatrix<T> out_;
  AlignedVector<T> table_;
  PsiGrid<T> grid_;
  double table_error_ = 0;
};

}  // namespace unlasting::model::cpu
