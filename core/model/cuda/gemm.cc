#include "core/model/cuda/gemm.h"

#include <stdexcept>
#include <string>

namespace unlasting::model::cuda {
namespace {

// What cuBLAS recommends for Hopper.
constexpr int64_t kWorkspaceBytes = int64_t{32} << 20;

void CheckBlas(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw std::runtime_error(std::string("cuda: ") + what + ": " + cublasGetStatusString(status));
}

template <typename T>
void Run(cublasHandle_t handle, const Product<T>& p, cudaDataType_t type,
         cublasComputeType_t compute) {
  const float one = 1.0f, beta = p.accumulate ? 1.0f : 0.0f;
  // cuBLAS counts by columns: it is told of the transposed product of the same memory.
  CheckBlas(
      cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, static_cast<int>(p.columns),
                   static_cast<int>(p.rows), static_cast<int>(p.depth), &one, p.b, type,
                   static_cast<int>(p.b_stride), p.a, type, static_cast<int>(p.a_stride), &beta,
                   p.c, type, static_cast<int>(p.c_stride), compute, CUBLAS_GEMM_DEFAULT),
      "matrix product");
}

}  // namespace

Gemm::Gemm(const Context& context) : workspace_(kWorkspaceBytes) {
  CheckBlas(cublasCreate(&handle_), "cuBLAS");
  CheckBlas(cublasSetStream(handle_, context.stream()), "cuBLAS");
  // Captured products may not allocate. Setting the stream forgets a workspace set before.
  CheckBlas(cublasSetWorkspace(handle_, workspace_.data(), kWorkspaceBytes), "cuBLAS");
}

Gemm::~Gemm() {
  if (handle_ != nullptr) cublasDestroy(handle_);
}

void Gemm::Multiply(const Product<float>& product, bool tf32) const {
  Run(handle_, product, CUDA_R_32F, tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F);
}

void Gemm::Multiply(const Product<BFloat16>& product) const {
  Run(handle_, product, CUDA_R_16BF, CUBLAS_COMPUTE_32F);
}

}  // namespace unlasting::model::cuda
