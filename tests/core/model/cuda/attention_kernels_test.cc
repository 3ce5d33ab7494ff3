// The training operator's kernels against the CPU's. Built as cuda_network_test.cc is.
#include "core/model/cuda/attention_kernels.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include "core/model/cpu/attention_layer.h"
#include "core/model/cuda/runtime.h"
#include "gtest/gtest.h"
#include "tests/support/random_weights.h"

namespace unlasting::model {
namespace {

using cuda::DeviceArray;

template <typename T>
std::vector<T> Fetch(const DeviceArray<T>& array) {
  std::vector<T> values(array.size());
  cuda::Check(
      cudaMemcpy(values.data(), array.data(), values.size() * sizeof(T), cudaMemcpyDeviceToHost),
      "download");
  return values;
}

template <typename T>
double Furthest(const std::vector<T>& expected, const std::vector<T>& found) {
  double largest = 0;
  for (size_t k = 0; k < expected.size(); ++k) {
    const double difference = std::abs(static_cast<double>(expected[k]) - found[k]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

// Long because one set of arrays goes through both implementations, forwards and backwards.
template <typename T>
void ExpectParity(const test::RandomGraph& graph, int64_t cells, int64_t heads, int64_t dim,
                  double tolerance) {
  const auto nodes = static_cast<int64_t>(graph.indptr.size()) - 1;
  const auto edges = static_cast<int64_t>(graph.sources.size());
  const int64_t in_cell = nodes * heads * dim, out_cell = nodes * dim, weights = heads * dim;
  std::mt19937_64 random(3);
  std::normal_distribution<T> normal;
  const auto draw = [&](int64_t count) {
    std::vector<T> values(count);
    for (T& value : values) value = normal(random);
    return values;
  };
  const std::vector<T> left = draw(cells * in_cell), right = draw(cells * in_cell);
  const std::vector<T> attention = draw(weights), grad_out = draw(cells * out_cell);
  const std::vector<int64_t> sources(graph.sources.begin(), graph.sources.end());

  const cpu::LayerGraph layer_graph(graph.indptr.data(), sources.data(), nodes);
  cpu::Attention<T> cell(layer_graph, heads, dim, attention.data());
  std::vector<T> out(cells * out_cell), grad_left(left.size()), grad_right(right.size());
  std::vector<T> grad_attention(weights);
  for (int64_t c = 0; c < cells; ++c) {
    cell.Forward(left.data() + c * in_cell, right.data() + c * in_cell, out.data() + c * out_cell);
    cell.Backward(left.data() + c * in_cell, right.data() + c * in_cell,
                  grad_out.data() + c * out_cell, grad_left.data() + c * in_cell,
                  grad_right.data() + c * in_cell, grad_attention.data());
  }

  std::vector<int64_t> order(edges), by_source(nodes + 1), targets(edges);
  for (int64_t e = 0; e < edges; ++e) order[e] = e;
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return sources[a] < sources[b]; });
  for (const int64_t source : sources) ++by_source[source + 1];
  for (int64_t i = 0; i < nodes; ++i) by_source[i + 1] += by_source[i];
  for (int64_t k = 0; k < edges; ++k) {
    targets[k] = std::upper_bound(graph.indptr.begin(), graph.indptr.end(), order[k]) -
                 graph.indptr.begin() - 1;
  }

  const cuda::Context context(0);
  const auto indptr_there = DeviceArray<int64_t>::From(graph.indptr);
  const auto sources_there = DeviceArray<int64_t>::From(sources);
  const auto left_there = DeviceArray<T>::From(left), right_there = DeviceArray<T>::From(right);
  const auto attention_there = DeviceArray<T>::From(attention);
  const auto grad_out_there = DeviceArray<T>::From(grad_out);
  const auto order_there = DeviceArray<int64_t>::From(order);
  const auto by_source_there = DeviceArray<int64_t>::From(by_source);
  const auto targets_there = DeviceArray<int64_t>::From(targets);
  const DeviceArray<T> out_there(cells * out_cell), scratch(cells * heads * edges * 2);
  const DeviceArray<T> grad_left_there(cells * in_cell), grad_right_there(cells * in_cell);
  const int64_t parts = cuda::AttentionParts(nodes);
  const DeviceArray<T> grad_attention_there(cells * heads * parts * dim);
  cuda::AttentionProblem<T> problem;
  problem.cells = cells;
  problem.nodes = nodes;
  problem.heads = heads;
  problem.dim = dim;
  problem.edges = edges;
  problem.indptr = indptr_there.data();
  problem.sources = sources_there.data();
  problem.left = left_there.data();
  problem.right = right_there.data();
  problem.attention = attention_there.data();
  cuda::AttentionForward(problem, out_there.data(), context.stream());
  cuda::AttentionBackward<T>(problem,
                             {by_source_there.data(), order_there.data(), targets_there.data()},
                             {grad_out_there.data(), scratch.data(), grad_left_there.data(),
                              grad_right_there.data(), grad_attention_there.data()},
                             context.stream());
  context.Wait();
  EXPECT_LT(Furthest(out, Fetch(out_there)), tolerance);
  EXPECT_LT(Furthest(grad_left, Fetch(grad_left_there)), tolerance);
  EXPECT_LT(Furthest(grad_right, Fetch(grad_right_there)), tolerance);
  const std::vector<T> part = Fetch(grad_attention_there);
  std::vector<T> summed(weights);
  for (size_t k = 0; k < part.size(); ++k) {
    const auto head = static_cast<int64_t>(k) / (parts * dim) % heads;
    summed[head * dim + static_cast<int64_t>(k) % dim] += part[k];
  }
  EXPECT_LT(Furthest(grad_attention, summed), 10 * tolerance);
}

TEST(AttentionKernelsTest, AgreeWithTheCpuForwardAndBackwardOnManyGraphs) {
  if (cuda::DeviceCount() == 0) GTEST_SKIP() << "no CUDA device";
  using test::MakeRandomGraph;
  const auto loop = MakeRandomGraph(1, [](int64_t) { return 1; });
  const auto some_empty = MakeRandomGraph(130, [](int64_t i) { return i % 3 == 0 ? 0 : 4; });
  const auto hub = MakeRandomGraph(12, [](int64_t i) { return i == 0 ? 1500 : 1; });
  ExpectParity<double>(MakeRandomGraph(40, [](int64_t i) { return 1 + i % 7; }), 3, 2, 16, 1e-9);
  ExpectParity<double>(some_empty, 2, 2, 5, 1e-9);
  ExpectParity<double>(loop, 4, 3, 7, 1e-9);
  ExpectParity<double>(hub, 2, 1, 70, 1e-9);
  ExpectParity<float>(some_empty, 2, 2, 64, 1e-4);
  ExpectParity<float>(hub, 1, 2, 300, 2e-3);
}

TEST(AttentionKernelsTest, AgreeWithTheCpuAtEveryWidth) {
  if (cuda::DeviceCount() == 0) GTEST_SKIP() << "no CUDA device";
  const auto graph =
      test::MakeRandomGraph(70, [](int64_t i) { return i == 69 ? 0 : 1 + 3 * i % 10; });
  for (const int64_t dim : {1, 4, 15, 16, 17, 32, 48, 63, 128, 130, 252, 256, 257, 509, 512}) {
    SCOPED_TRACE(dim);
    ExpectParity<float>(graph, 2, 2, dim, 1e-3);
    ExpectParity<double>(graph, 1, 1, dim, 1e-9);
  }
}

TEST(AttentionKernelsTest, AgreeWithTheCpuWhereThereIsNoEdge) {
  if (cuda::DeviceCount() == 0) GTEST_SKIP() << "no CUDA device";
  ExpectParity<float>(test::MakeRandomGraph(40, [](int64_t) { return 0; }), 2, 2, 8, 1e-6);
}

}  // namespace
}  // namespace unlasting::model
