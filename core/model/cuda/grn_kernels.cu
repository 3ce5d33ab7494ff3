// Picks the GRN kernels' template for a width, a feature type and a number of heads.
#include <stdexcept>

#include "core/model/cuda/attend_pair.cuh"
#include "core/model/cuda/launch.h"
#include "core/model/cuda/node_inputs.cuh"
#include "core/model/cuda/start.cuh"

namespace unlasting::model::cuda {
namespace {

// Calls work.Run<F, kLanes, kQuads>().
template <typename Work>
void WithWidth(int32_t dim, bool bfloat16, const Work& work) {
  const auto with = [&](auto feature) {
    using F = decltype(feature);
    switch (dim) {
      case 16:
        return work.template Run<F, 4, 1>();
      case 32:
        return work.template Run<F, 8, 1>();
      case 64:
        return work.template Run<F, 16, 1>();
      case 128:
        return work.template Run<F, 32, 1>();
      case 256:
        return work.template Run<F, 32, 2>();
      case 512:
        return work.template Run<F, 32, 4>();
      default:
        throw std::runtime_error("cuda: no kernel for this width of embeddings");
    }
  };
  if (bfloat16) {
    with(BFloat16{});
  } else {
    with(float{});
  }
}

struct NodeInputsWork {
  const NodeInputsArguments& in;
  int64_t rows;
  cudaStream_t stream;

  template <typename F, int kLanes, int kQuads>
  void Run() const {
    const dim3 grid(Blocks(in.nodes, kThreads / kLanes), static_cast<unsigned>(rows));
    Start(NodeInputsKernel<F, kLanes, kQuads>, grid, kThreads, stream, in);
  }
};

struct AttendWork {
  const AttendArguments& in;
  int64_t rows;
  cudaStream_t stream;

  template <typename F, int kLanes, int kQuads>
  void Run() const {
    const auto start = [&](auto* kernel, int threads, int lanes) {
      const dim3 grid(Blocks(in.nodes, threads / lanes), static_cast<unsigned>(rows));
      Start(kernel, grid, threads, stream, in);
    };
    if (in.heads % 2 != 0 || kQuads > 1 || kLanes < 8) {
      return start(AttendKernel<F, kLanes, kQuads>, kThreads, kLanes);
    }
    if constexpr (kQuads == 1 && kLanes >= 8) {
      start(AttendPairKernel<F, kLanes>, kPairThreads, kLanes);
    }
  }
};

}  // namespace

void LaunchNodeInputs(const NodeInputsArguments& in, int64_t rows, cudaStream_t stream) {
  WithWidth(in.dim, in.bfloat16, NodeInputsWork{in, rows, stream});
}

void LaunchAttend(const AttendArguments& in, int64_t rows, cudaStream_t stream) {
  WithWidth(in.dim, in.bfloat16, AttendWork{in, rows, stream});
}

}  // namespace unlasting::model::cuda
