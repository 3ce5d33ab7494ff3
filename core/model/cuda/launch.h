// launch.h offers the kernels to C++ as functions, each of which enqueues its work in `stream` and
// returns.
//
// Throws std::runtime_error where a kernel cannot be started.
#pragma once

#include <cuda_runtime_api.h>

#include "core/model/cuda/arguments.h"

namespace unlasting::model::cuda {

// At most this many rows per call: the grid's second axis.
constexpr int64_t kMaxGridRows = 65535;

void LaunchNodeInputs(const NodeInputsArguments& in, int64_t rows, cudaStream_t stream);
void LaunchAttend(const AttendArguments& in, int64_t rows, cudaStream_t stream);

void LaunchStandardise(const DeviceRow* rows, const Skip& skip, int64_t genes, int64_t stride,
                       float* state, int64_t count, cudaStream_t stream);
void LaunchActivate(const ActivateArguments& in, int64_t rows, cudaStream_t stream);
void LaunchFinish(const FinishArguments& in, int64_t rows, cudaStream_t stream);
void LaunchGeneReadout(const DeviceRow* rows, int64_t nodes, int64_t stride, bool keep,
                       float* gene_readout, int64_t count, cudaStream_t stream);
// Any number of rows.
void LaunchBiasSilu(const float* in, const SmallRow& bias, int64_t rows, int64_t dim, float* out,
                    cudaStream_t stream);
// inout <- inout + share * (other - inout), the share by column. Any number of rows.
void LaunchBlend(const float* other, const SmallRow& share, int64_t rows, int64_t dim, float* inout,
                 cudaStream_t stream);

}  // namespace unlasting::model::cuda
