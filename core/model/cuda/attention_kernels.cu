#include <stdexcept>
#include <type_traits>

#include "core/model/cuda/attention_kernels.cuh"
#include "core/model/cuda/start.cuh"

namespace unlasting::model::cuda {
namespace {

int64_t BlocksOfHead(int64_t nodes) { return Blocks(nodes, kTargetsOfBlock); }

// Calls work(kLanes, kQuads), the group that takes rows of `dim` numbers, as types.
template <typename Work>
void WithWidth(int64_t dim, const Work& work) {
  const auto run = [&](auto lanes, auto quads) { work(lanes, quads); };
  using std::integral_constant;
  constexpr integral_constant<int, 1> kOne;
  constexpr integral_constant<int, 32> kWarp;
  if (dim <= 16) return run(integral_constant<int, 4>{}, kOne);
  if (dim <= 32) return run(integral_constant<int, 8>{}, kOne);
  if (dim <= 64) return run(integral_constant<int, 16>{}, kOne);
  if (dim <= 128) return run(kWarp, kOne);
  if (dim <= 256) return run(kWarp, integral_constant<int, 2>{});
  if (dim <= kLargestAttentionDim) return run(kWarp, integral_constant<int, 4>{});
  throw std::runtime_error("cuda: gatv2: dim: expected at most 512");
}

// The grid in which each of `parts` has a group for every node.
struct Grid {
  int64_t blocks_of_part;
  dim3 blocks;
};
Grid GridOf(int64_t parts, int64_t nodes, int lanes) {
  const int64_t blocks = Blocks(nodes, kAttentionThreads / lanes);
  return {blocks, dim3(static_cast<unsigned>(parts * blocks))};
}

}  // namespace

int64_t AttentionParts(int64_t nodes) { return BlocksOfHead(nodes) * kWarpsOfBlock; }

template <typename T>
void AttentionForward(const AttentionProblem<T>& problem, T* out, cudaStream_t stream) {
  if (problem.cells * problem.nodes == 0) return;
  WithWidth(problem.dim, [&](auto lanes, auto quads) {
    const Grid grid = GridOf(problem.cells, problem.nodes, lanes);
    Start(AttentionForwardKernel<T, lanes, quads>, grid.blocks, kAttentionThreads, stream, problem,
          grid.blocks_of_part, out);
  });
}

template <typename T>
void AttentionBackward(const AttentionProblem<T>& problem, const TransposedGraph& transposed,
                       const AttentionGradients<T>& gradients, cudaStream_t stream) {
  if (problem.cells * problem.nodes == 0) return;
  const int64_t parts = problem.cells * problem.heads, blocks = BlocksOfHead(problem.nodes);
  WithWidth(problem.dim, [&](auto lanes, auto quads) {
    Start(AttentionTargetsKernel<T, lanes, quads>, dim3(static_cast<unsigned>(parts * blocks)),
          kAttentionThreads, stream, problem, gradients, blocks);
    const Grid grid = GridOf(parts, problem.nodes, lanes);
    Start(AttentionSourcesKernel<T, lanes, quads>, grid.blocks, kAttentionThreads, stream, problem,
          transposed, gradients, grid.blocks_of_part);
  });
}

template void AttentionForward(const AttentionProblem<float>&, float*, cudaStream_t);
template void AttentionForward(const AttentionProblem<double>&, double*, cudaStream_t);
template void AttentionBackward(const AttentionProblem<float>&, const TransposedGraph&,
                                const AttentionGradients<float>&, cudaStream_t);
template void AttentionBackward(const AttentionProblem<double>&, const TransposedGraph&,
                                const AttentionGradients<double>&, cudaStream_t);

}  // namespace unlasting::model::cuda
