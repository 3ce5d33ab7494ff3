// gemm.h multiplies row-major matrices with cuBLAS.
#pragma once

#include <cublas_v2.h>

#include <cstdint>

#include "core/model/cuda/arguments.h"
#include "core/model/cuda/runtime.h"

namespace unlasting::model::cuda {

// a [rows, depth], b [depth, columns], c [rows, columns], each with a stride between rows.
template <typename T>
struct Product {
  const T* a = nullptr;
  int64_t a_stride = 0;
  const T* b = nullptr;
  int64_t b_stride = 0;
  T* c = nullptr;
  int64_t c_stride = 0;
  int64_t rows = 0;
  int64_t depth = 0;
  int64_t columns = 0;
  bool accumulate = false;  // c += a b
};

// Sums are float32 always. One stream and a workspace of its own: equal shapes give equal bits.
class Gemm {
 public:
  explicit Gemm(const Context& context);
  ~Gemm();
  Gemm(const Gemm&) = delete;
  Gemm& operator=(const Gemm&) = delete;

  void Multiply(const Product<float>& product, bool tf32) const;
  void Multiply(const Product<BFloat16>& product) const;

 private:
  cublasHandle_t handle_ = nullptr;
  DeviceArray<char> workspace_;
};

}  // namespace unlasting::model::cuda
