// Matrices in the layout that the kernels read: rows padded to whole vectors, and linear maps
// packed in panels.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/aligned.h"
#include "core/model/cpu/kernels.h"
#include "core/model/spec/weights.h"

namespace unlasting::model::cpu {

// `rows` rows of `columns`, each filled with zeros up to `stride`.
template <typename T>
AlignedVector<T> PadRows(const T* values, int64_t rows, int64_t columns, int64_t stride) {
  AlignedVector<T> padded(rows * stride, T{0});
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) padded[r * stride + c] = values[r * columns + c];
  }
  return padded;
}

// A linear map [depth, columns] in panels of kPanel columns.
template <typename T>
class PackedMatrix {
 public:
  PackedMatrix() = default;
  // Rows and columns are filled up with zeros to `depth` and to a multiple of kPad.
  PackedMatrix(const T* weights, int64_t rows, int64_t columns, int64_t depth);

  int64_t depth() const { return depth_; }
  int64_t columns() const { return columns_; }  // padded

  // c[rows, columns()] = a[rows, depth()] * this + (accumulate ? c : bias or 0).
  void Multiply(const T* a, int64_t a_stride, int64_t rows, const T* bias, bool accumulate, T* c,
                int64_t c_stride) const;

 private:
  int64_t depth_ = 0;
  int64_t columns_ = 0;
  AlignedVector<T> packed_;
};

// c[rows, columns] += a b. Element (r, k) of a is a[r * a_stride + k * a_depth_stride], so that a
// transposed matrix is its own with the strides exchanged; b [depth, columns] and c are row-major,
// `columns` a multiple of kPad.
template <typename T>
void AddProduct(const T* a, int64_t a_stride, int64_t a_depth_stride, int64_t rows, int64_t depth,
                const T* b, int64_t b_stride, int64_t columns, T* c, int64_t c_stride);

}  // namespace unlasting::model::cpu
