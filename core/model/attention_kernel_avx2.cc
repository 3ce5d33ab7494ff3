#include "core/model/attention_kernel_impl.h"

UNLASTING_ATTENTION_KERNELS(Avx2Kernels)
