#include <algorithm>

#include "core/model/cuda/launch.h"
#include "core/model/cuda/row_kernels.cuh"
#include "core/model/cuda/start.cuh"

namespace unlasting::model::cuda {
namespace {

dim3 Grid(int64_t width, int64_t rows) {
  return dim3(Blocks(width, kThreads), static_cast<unsigned>(rows));
}

}  // namespace

void LaunchStandardise(const DeviceRow* rows, const Skip& skip, int64_t genes, int64_t stride,
                       float* state, int64_t count, cudaStream_t stream) {
  Start(StandardiseKernel, Grid(genes, count), kThreads, stream, rows, skip, genes, stride, state);
}

void LaunchActivate(const ActivateArguments& in, int64_t rows, cudaStream_t stream) {
  Start(ActivateKernel, Grid(in.width, rows), kThreads, stream, in);
}

void LaunchFinish(const FinishArguments& in, int64_t rows, cudaStream_t stream) {
  Start(FinishKernel, Grid(in.genes, rows), kThreads, stream, in);
}

void LaunchGeneReadout(const DeviceRow* rows, int64_t nodes, int64_t stride, bool keep,
                       float* gene_readout, int64_t count, cudaStream_t stream) {
  Start(GeneReadoutKernel, Grid(nodes, count), kThreads, stream, rows, nodes, stride, keep,
        gene_readout);
}

void LaunchBiasSilu(const float* in, const SmallRow& bias, int64_t rows, int64_t dim, float* out,
                    cudaStream_t stream) {
  for (int64_t first = 0; first < rows; first += kMaxGridRows) {
    const float* from = in == nullptr ? nullptr : in + first * dim;
    Start(BiasSiluKernel, Grid(dim, std::min(kMaxGridRows, rows - first)), kThreads, stream, from,
          bias, dim, out + first * dim);
  }
}

void LaunchBlend(const float* other, const SmallRow& share, int64_t rows, int64_t dim, float* inout,
                 cudaStream_t stream) {
  for (int64_t first = 0; first < rows; first += kMaxGridRows) {
    Start(BlendKernel, Grid(dim, std::min(kMaxGridRows, rows - first)), kThreads, stream,
          other + first * dim, share, dim, inout + first * dim);
  }
}

}  // namespace unlasting::model::cuda
