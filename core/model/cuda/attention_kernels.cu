#include <stdexcept>
#include <type_traits>

#include "core/model/cuda/attention_kernels.cuh"
#include "core/model/cuda/start.cuh"

namespace unlasting::model::cuda {
namespace {

constexpr int kAttentionThreads = kWarp * kWarpsOfBlock;

int64_t BlocksOfHead(int64_t nodes) { return Blocks(nodes, kTargetsOfBlock); }

// Calls work(kOwn) with the numbers a lane holds as a type.
template <typename Work>
void WithWidth(int64_t dim, const Work& work) {
  const auto run = [&](auto own) { work(own); };
  if (dim <= 32) return run(std::integral_constant<int, 1>{});
  if (dim <= 64) return run(std::integral_constant<int, 2>{});
  if (dim <= 128) return run(std::integral_constant<int, 4>{});
  if (dim <= 256) return run(std::integral_constant<int, 8>{});
  if (dim <= kLargestAttentionDim) return run(std::integral_constant<int, 16>{});
  throw std::runtime_error("cuda: gatv2: dim: expected at most 512");
}

}  // namespace

int64_t AttentionParts(int64_t nodes) { return BlocksOfHead(nodes) * kWarpsOfBlock; }

template <typename T>
void AttentionForward(const AttentionProblem<T>& problem, T* out, cudaStream_t stream) {
  if (problem.cells * problem.nodes == 0) return;
  const dim3 grid(Blocks(problem.cells * problem.nodes, kWarpsOfBlock));
  WithWidth(problem.dim, [&](auto own) {
    Start(AttentionForwardKernel<T, decltype(own)::value>, grid, kAttentionThreads, stream, problem,
          out);
  });
}

template <typename T>
void AttentionBackward(const AttentionProblem<T>& problem, const TransposedGraph& transposed,
                       const AttentionGradients<T>& gradients, cudaStream_t stream) {
  if (problem.cells * problem.nodes == 0) return;
  const int64_t blocks = BlocksOfHead(problem.nodes);
  const dim3 by_target(static_cast<unsigned>(problem.cells * problem.heads * blocks));
  const dim3 by_source(Blocks(problem.cells * problem.nodes, kWarpsOfBlock));
  WithWidth(problem.dim, [&](auto own) {
    constexpr int kOwn = decltype(own)::value;
    Start(AttentionTargetsKernel<T, kOwn>, by_target, kAttentionThreads, stream, problem, gradients,
          blocks);
    Start(AttentionSourcesKernel<T, kOwn>, by_source, kAttentionThreads, stream, problem,
          transposed, gradients);
  });
}

template void AttentionForward(const AttentionProblem<float>&, float*, cudaStream_t);
template void AttentionForward(const AttentionProblem<double>&, double*, cudaStream_t);
template void AttentionBackward(const AttentionProblem<float>&, const TransposedGraph&,
                                const AttentionGradients<float>&, cudaStream_t);
template void AttentionBackward(const AttentionProblem<double>&, const TransposedGraph&,
                                const AttentionGradients<double>&, cudaStream_t);

}  // namespace unlasting::model::cuda
