#include "core/model/cpu/perceptron.h"

#include <algorithm>

namespace unlasting::model::cpu {

template <typename T>
Perceptron<T>::Perceptron(const ModelConfig& config, const NetworkWeights<T>& arrays,
                          const std::string& prefix, int64_t in)
    : hidden_(Padded(config.hidden)), genes_(config.genes) {
  const int64_t h = config.hidden;
  in_ = PackedMatrix<T>(arrays.at(prefix + "_in").data(), in, h, in);
  mid_ = PackedMatrix<T>(arrays.at(prefix + "_mid").data(), h, h, hidden_);
  out_ = PackedMatrix<T>(arrays.at(prefix + "_out").data(), h, genes_, hidden_);
  const auto time = arrays.values.find(prefix + "_time");
  if (time != arrays.values.end()) {
    const auto features = static_cast<int64_t>(time->second.size()) / h;
    time_ = PackedMatrix<T>(time->second.data(), features, h, features);
  }
  cell_ = PadRows(arrays.at(prefix + "_cell").data(), config.cell_embedding_rows(), h, hidden_);
  mid_bias_ = PadRows(arrays.at(prefix + "_mid_bias").data(), 1, h, hidden_);
  out_bias_ = PadRows(arrays.at(prefix + "_out_bias").data(), 1, genes_, Padded(genes_));
}

template <typename T>
AlignedVector<T> Perceptron<T>::TimeTerm(const AlignedVector<T>& time_features) const {
  AlignedVector<T> term(hidden_, T{0});
  if (time_.depth() == 0) return term;
  time_.Multiply(time_features.data(), time_.depth(), 1, nullptr, false, term.data(), hidden_);
  return term;
}

template <typename T>
void Perceptron<T>::Run(const T* x, int64_t x_stride, int64_t rows,
                        const int32_t* cell_embedding_row, const T* const* time_term,
                        const T* const* condition, bool accumulate, T* first, T* second, T* out,
                        int64_t out_stride) const {
  const auto& kernels = BestKernels<T>();
  for (int64_t r = 0; r < rows; ++r) {
    T* row = first + r * hidden_;
    std::copy_n(cell_.data() + cell_embedding_row[r] * hidden_, hidden_, row);
    for (int64_t k = 0; k < hidden_ && time_term[r] != nullptr; ++k) row[k] += time_term[r][k];
    for (int64_t k = 0; k < hidden_ && condition[r] != nullptr; ++k) row[k] += condition[r][k];
  }
  in_.Multiply(x, x_stride, rows, nullptr, true, first, hidden_);
  kernels.silu(first, rows * hidden_);
  mid_.Multiply(first, hidden_, rows, mid_bias_.data(), false, second, hidden_);
  kernels.silu(second, rows * hidden_);
  if (accumulate) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t g = 0; g < genes_; ++g) out[r * out_stride + g] += out_bias_[g];
    }
  }
  out_.Multiply(second, hidden_, rows, out_bias_.data(), accumulate, out, out_stride);
}

template class Perceptron<float>;
template class Perceptron<double>;

}  // namespace unlasting::model::cpu
