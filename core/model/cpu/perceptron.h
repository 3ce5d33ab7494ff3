// perceptron.h computes Block and Decoder (Appendix C) over a batch of rows: in -> hidden -> hidden
// -> out with silu between them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/cpu/matrix.h"
#include "core/model/spec/config.h"

namespace unlasting::model::cpu {

template <typename T>
class Perceptron {
 public:
  Perceptron() = default;
  // `prefix` is "block" or "decoder"; `in` values per row, the output has N.
  Perceptron(const ModelConfig& config, const NetworkWeights<T>& arrays, const std::string& prefix,
             int64_t in);

  int64_t hidden() const { return hidden_; }  // padded
  // The time's part of the first layer, [hidden]; zeros where there is none.
  AlignedVector<T> TimeTerm(const AlignedVector<T>& time_features) const;

  // out[rows, out_stride] = (accumulate ? out : 0) + the perceptron of x[rows, x_stride]. `first`
  // and `second` [rows, hidden()] are scratch; time_term[r] and condition[r], [hidden()], may be
  // null.
  void Run(const T* x, int64_t x_stride, int64_t rows, const int32_t* cell_embedding_row,
           const T* const* time_term, const T* const* condition, bool accumulate, T* first,
           T* second, T* out, int64_t out_stride) const;

 private:
  int64_t hidden_ = 0;
  int64_t genes_ = 0;
  PackedMatrix<T> in_, mid_, out_, time_;
  AlignedVector<T> cell_;                 // [cell states, hidden]
  AlignedVector<T> mid_bias_, out_bias_;  // padded
};

}  // namespace unlasting::model::cpu
