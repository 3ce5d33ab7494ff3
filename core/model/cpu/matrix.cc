#include "core/model/cpu/matrix.h"

#include <algorithm>

namespace unlasting::model::cpu {
namespace {

// Depth of one pass: a panel's share of it stays in the second-level cache while the rows go by.
constexpr int64_t kDepthBlock = 512;

}  // namespace

template <typename T>
PackedMatrix<T>::PackedMatrix(const T* weights, int64_t rows, int64_t columns, int64_t depth)
    : depth_(depth), columns_(Padded(columns)) {
  packed_.assign(Padded(columns, kPanel) * depth, T{0});
  for (int64_t k = 0; k < rows; ++k) {
    for (int64_t c = 0; c < columns; ++c) {
      packed_[(c / kPanel * depth + k) * kPanel + c % kPanel] = weights[k * columns + c];
    }
  }
}

template <typename T>
void PackedMatrix<T>::Multiply(const T* a, int64_t a_stride, int64_t rows, const T* bias,
                               bool accumulate, T* c, int64_t c_stride) const {
  MultiplyArguments<T> arguments;
  arguments.a_stride = a_stride;
  arguments.rows = rows;
  arguments.panel_stride = depth_ * kPanel;
  arguments.columns = columns_;
  arguments.bias = bias;
  arguments.c = c;
  arguments.c_stride = c_stride;
  for (int64_t k = 0; k < depth_; k += kDepthBlock) {
    arguments.a = a + k;
    arguments.depth = std::min(kDepthBlock, depth_ - k);
    arguments.packed = packed_.data() + k * kPanel;
    arguments.accumulate = accumulate || k > 0;
    BestKernels<T>().multiply(arguments);
  }
}

template <typename T>
void AddProduct(const T* a, int64_t a_stride, int64_t a_depth_stride, int64_t rows, int64_t depth,
                const T* b, int64_t b_stride, int64_t columns, T* c, int64_t c_stride) {
  MultiplyArguments<T> arguments;
  arguments.a_stride = a_stride;
  arguments.a_depth_stride = a_depth_stride;
  arguments.rows = rows;
  arguments.packed_stride = b_stride;
  arguments.panel_stride = kPanel;
  arguments.columns = columns;
  arguments.accumulate = true;
  arguments.c = c;
  arguments.c_stride = c_stride;
  for (int64_t k = 0; k < depth; k += kDepthBlock) {
    arguments.a = a + k * a_depth_stride;
    arguments.depth = std::min(kDepthBlock, depth - k);
    arguments.packed = b + k * b_stride;
    BestKernels<T>().multiply(arguments);
  }
}

template void AddProduct(const float*, int64_t, int64_t, int64_t, int64_t, const float*, int64_t,
                         int64_t, float*, int64_t);
template void AddProduct(const double*, int64_t, int64_t, int64_t, int64_t, const double*, int64_t,
                         int64_t, double*, int64_t);
template class PackedMatrix<float>;
template class PackedMatrix<double>;

}  // namespace unlasting::model::cpu
