#include "core/model/cpu/embedding.h"

#include <algorithm>

namespace unlasting::model::cpu {
namespace {

constexpr int64_t kTile = 60;

// c[rows, columns] += a' b, with a [depth, rows] and b [depth, columns] both row-major.
template <typename T>
void AddTransposedProduct(const T* a, int64_t rows, const T* b, int64_t columns, int64_t depth,
                          T* c) {
  AddProduct(a, 1, rows, rows, depth, b, columns, columns, c, columns);
}

}  // namespace

template <typename T>
Embedding<T>::Embedding(int64_t dim, const T* out, const T* out_bias)
    : dim_(dim), padded_(Padded(dim)), out_(out, dim, dim, padded_) {
  AlignedVector<T> transposed(dim * dim);
  for (int64_t k = 0; k < dim; ++k) {
    for (int64_t c = 0; c < dim; ++c) transposed[c * dim + k] = out[k * dim + c];
  }
  out_transposed_ = PackedMatrix<T>(transposed.data(), dim, dim, padded_);
  out_bias_ = PadRows(out_bias, 1, dim, padded_);
  grad_out_.assign(padded_ * padded_, T{0});
  grad_out_bias_.assign(padded_, T{0});
  for (auto* scratch : {&pre_, &hidden_, &y_, &grad_y_, &grad_pre_})
    scratch->assign(kTile * padded_, 0);
  ones_.assign(kTile, T{1});
  sums_.assign(padded_, T{0});
}

template <typename T>
void Embedding<T>::Forward(int64_t rows, bool add, T* y) {
  BestKernels<T>().silu(pre_.data(), rows * padded_);
  out_.Multiply(pre_.data(), padded_, rows, out_bias_.data(), false, y_.data(), padded_);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < dim_; ++k) {
      y[r * dim_ + k] = y_[r * padded_ + k] + (add ? y[r * dim_ + k] : T{0});
    }
  }
}

template <typename T>
void Embedding<T>::Backward(int64_t rows, const T* grad) {
  const auto& kernels = BestKernels<T>();
  for (int64_t r = 0; r < rows; ++r) {
    std::copy_n(grad + r * dim_, dim_, grad_y_.data() + r * padded_);
  }
  std::copy_n(pre_.data(), rows * padded_, hidden_.data());
  kernels.silu(hidden_.data(), rows * padded_);
  AddTransposedProduct(hidden_.data(), padded_, grad_y_.data(), padded_, rows, grad_out_.data());
  AddTransposedProduct(ones_.data(), 1, grad_y_.data(), padded_, rows, grad_out_bias_.data());
  out_transposed_.Multiply(grad_y_.data(), padded_, rows, nullptr, false, hidden_.data(), padded_);
  kernels.silu_grad(pre_.data(), hidden_.data(), rows * padded_, grad_pre_.data());
}

template <typename T>
void Embedding<T>::Phi(const T* gene, const T* knockout, const T* bias, int64_t nodes, T* y) {
  for (int64_t first = 0; first < nodes; first += kTile) {
    const int64_t rows = std::min(kTile, nodes - first);
    for (int64_t r = 0; r < rows; ++r) {
      const T keep = knockout == nullptr ? T{1} : T{1} - knockout[first + r];
      const T* g = gene + (first + r) * dim_;
      for (int64_t k = 0; k < dim_; ++k) pre_[r * padded_ + k] = g[k] * keep + bias[k];
    }
    Forward(rows, /*add=*/false, y + first * dim_);
  }
}

template <typename T>
void Embedding<T>::PhiBackward(const T* gene, const T* knockout, const T* bias, int64_t nodes,
                               const T* grad, T* grad_gene, T* grad_bias_in) {
  std::fill(sums_.begin(), sums_.end(), T{0});
  for (int64_t first = 0; first < nodes; first += kTile) {
    const int64_t rows = std::min(kTile, nodes - first);
    const auto keep = [&](int64_t r) {
      return knockout == nullptr ? T{1} : T{1} - knockout[first + r];
    };
    for (int64_t r = 0; r < rows; ++r) {
      const T kept = keep(r);
      const T* g = gene + (first + r) * dim_;
      for (int64_t k = 0; k < dim_; ++k) pre_[r * padded_ + k] = g[k] * kept + bias[k];
    }
    Backward(rows, grad + first * dim_);
    for (int64_t r = 0; r < rows; ++r) {
      const T kept = keep(r);
      T* g = grad_gene + (first + r) * dim_;
      for (int64_t k = 0; k < dim_; ++k) g[k] += kept * grad_pre_[r * padded_ + k];
    }
    AddTransposedProduct(ones_.data(), 1, grad_pre_.data(), padded_, rows, sums_.data());
  }
  for (int64_t k = 0; k < dim_; ++k) grad_bias_in[k] += sums_[k];
}

template <typename T>
void Embedding<T>::AddPsi(const T* x, const T* in, const T* bias, int64_t nodes, T* y) {
  for (int64_t first = 0; first < nodes; first += kTile) {
    const int64_t rows = std::min(kTile, nodes - first);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t k = 0; k < dim_; ++k) pre_[r * padded_ + k] = x[first + r] * in[k] + bias[k];
    }
    Forward(rows, /*add=*/true, y + first * dim_);
  }
}

template <typename T>
void Embedding<T>::PsiBackward(const T* x, const T* in, const T* bias, int64_t nodes, const T* grad,
                               T* grad_in, T* grad_bias) {
  std::fill(sums_.begin(), sums_.end(), T{0});
  AlignedVector<T> weighted(padded_, T{0});
  for (int64_t first = 0; first < nodes; first += kTile) {
    const int64_t rows = std::min(kTile, nodes - first);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t k = 0; k < dim_; ++k) pre_[r * padded_ + k] = x[first + r] * in[k] + bias[k];
    }
    Backward(rows, grad + first * dim_);
    AddTransposedProduct(ones_.data(), 1, grad_pre_.data(), padded_, rows, sums_.data());
    AddTransposedProduct(x + first, 1, grad_pre_.data(), padded_, rows, weighted.data());
  }
  for (int64_t k = 0; k < dim_; ++k) {
    grad_bias[k] += sums_[k];
    grad_in[k] += weighted[k];
  }
}

template <typename T>
void Embedding<T>::TakeGradients(T* grad_out, T* grad_out_bias) const {
  for (int64_t r = 0; r < dim_; ++r) {
    for (int64_t k = 0; k < dim_; ++k) grad_out[r * dim_ + k] = grad_out_[r * padded_ + k];
  }
  std::copy_n(grad_out_bias_.data(), dim_, grad_out_bias);
}

template class Embedding<float>;
template class Embedding<double>;

}  // namespace unlasting::model::cpu
