#include "core/model/attention_kernel.h"

namespace unlasting::model {

AttentionKernels<float> BaselineKernelsFloat();
AttentionKernels<double> BaselineKernelsDouble();
#if defined(__x86_64__)
AttentionKernels<float> Avx2KernelsFloat();
AttentionKernels<double> Avx2KernelsDouble();
AttentionKernels<float> Avx512KernelsFloat();
AttentionKernels<double> Avx512KernelsDouble();

namespace {
bool HasAvx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
bool HasAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
}  // namespace
#endif

template <>
AttentionKernels<float> BestAttentionKernels<float>() {
#if defined(__x86_64__)
  if (HasAvx512()) return Avx512KernelsFloat();
  if (HasAvx2()) return Avx2KernelsFloat();
#endif
  return BaselineKernelsFloat();
}

template <>
AttentionKernels<double> BestAttentionKernels<double>() {
#if defined(__x86_64__)
  if (HasAvx512()) return Avx512KernelsDouble();
  if (HasAvx2()) return Avx2KernelsDouble();
#endif
  return BaselineKernelsDouble();
}

}  // namespace unlasting::model
