#include <torch/torch.h>

#include "core/model/torch/network.h"
#include "tests/support/files.h"

namespace unlasting::model {

void EnsureAttentionRegistered();

namespace {

using torch::Tensor;

Tensor Gatv2(const Tensor& left, const Tensor& right, const Tensor& attention, const Tensor& indptr,
             const Tensor& sources) {
  EnsureAttentionRegistered();
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("unlasting::gatv2", "")
                             .typed<Tensor(const Tensor&, const Tensor&, const Tensor&,
                                           const Tensor&, const Tensor&)>();
  return op.call(left, right, attention, indptr, sources);
}

// Tensor operations that materialise every edge: slow and plain to see.
Tensor Reference(const Tensor& left, const Tensor& right, const Tensor& attention,
                 const std::vector<int64_t>& indptr, const std::vector<int64_t>& sources) {
  std::vector<Tensor> out;
  for (size_t i = 0; i + 1 < indptr.size(); ++i) {
    const std::vector<int64_t> own(sources.begin() + indptr[i], sources.begin() + indptr[i + 1]);
    if (own.empty()) {
      out.push_back(torch::zeros({left.size(0), left.size(3)}, left.options()));
      continue;
    }
    const Tensor l = left.index_select(1, torch::tensor(own, torch::kInt64));
    const Tensor score =
        (torch::leaky_relu(l + right.select(1, i).unsqueeze(1), 0.2) * attention).sum(-1);
    out.push_back((torch::softmax(score, 1).unsqueeze(-1) * l).sum(1).mean(1));
  }
  return torch::stack(out, 1);
}

struct RandomGraph {
  std::vector<int64_t> indptr = {0};
  std::vector<int64_t> sources;
};

RandomGraph MakeGraph(int64_t nodes, const std::function<int64_t(int64_t)>& degree) {
  RandomGraph graph;
  uint64_t state = 12345;
  for (int64_t i = 0; i < nodes; ++i) {
    for (int64_t k = 0; k < degree(i); ++k) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      graph.sources.push_back(static_cast<int64_t>((state >> 33) % nodes));
    }
    graph.indptr.push_back(static_cast<int64_t>(graph.sources.size()));
  }
  return graph;
}

void ExpectParity(const RandomGraph& graph, int64_t cells, int64_t heads, int64_t dim) {
  torch::manual_seed(3);
  const int64_t nodes = static_cast<int64_t>(graph.indptr.size()) - 1;
  const auto options = torch::TensorOptions(torch::kFloat64).requires_grad(true);
  const Tensor left = torch::randn({cells, nodes, heads, dim}, options);
  const Tensor right = torch::randn({cells, nodes, heads, dim}, options);
  const Tensor attention = torch::randn({heads, dim}, options);
  const Tensor weight = torch::randn({cells, nodes, dim}, torch::kFloat64);
  const std::vector<Tensor> inputs = {left, right, attention};
  const Tensor expected = Reference(left, right, attention, graph.indptr, graph.sources);
  const Tensor found = Gatv2(left, right, attention, torch::tensor(graph.indptr, torch::kInt64),
                             torch::tensor(graph.sources, torch::kInt64));
  EXPECT_LT((expected - found).abs().max().item<double>(), 1e-9);
  const auto expected_grads =
      torch::autograd::grad({(expected * weight).sum()}, inputs, {}, false, false, true);
  const auto found_grads =
      torch::autograd::grad({(found * weight).sum()}, inputs, {}, false, false, true);
  for (size_t k = 0; k < inputs.size(); ++k) {
    if (!expected_grads[k].defined()) continue;
    EXPECT_LT((expected_grads[k] - found_grads[k]).abs().max().item<double>(), 1e-9) << k;
  }
}

TEST(AttentionTest, AgreesWithTensorOperationsForwardAndBackwardOnManyGraphs) {
  ExpectParity(MakeGraph(40, [](int64_t i) { return 1 + i % 7; }), 5, 2, 16);
  ExpectParity(MakeGraph(30, [](int64_t i) { return i % 3 == 0 ? 0 : 4; }), 3, 2, 5);
  ExpectParity(MakeGraph(1, [](int64_t) { return 1; }), 4, 3, 7);
  ExpectParity(MakeGraph(12, [](int64_t i) { return i == 0 ? 1500 : 1; }), 2, 1, 9);
}

TEST(AttentionTest, EqualsPyGOnGoldenNumbersForwardAndBackward) {
  const auto golden = test::ReadJson("tests/golden/gatv2_ddib.json")["gatv2"];
  const auto matrix = [&](const nlohmann::json& json) {
    std::vector<Tensor> rows;
    for (const auto& row : json) {
      rows.push_back(torch::tensor(row.get<std::vector<double>>(), torch::kFloat64));
    }
    return torch::stack(rows).requires_grad_(true);
  };
  const auto vector = [&](const nlohmann::json& json) {
    return torch::tensor(json.get<std::vector<double>>(), torch::kFloat64).requires_grad_(true);
  };
  const Tensor x = matrix(golden["x"]);
  const Tensor left_weight = matrix(golden["lin_l_weight"]);
  const Tensor right_weight = matrix(golden["lin_r_weight"]);
  const Tensor attention = matrix(golden["att"][0]);
  const Tensor bias = vector(golden["bias"]);
  const int64_t nodes = x.size(0), heads = attention.size(0), dim = attention.size(1);

  const auto edges = golden["edge_index_with_self_loops"];
  std::vector<std::vector<int64_t>> incoming(nodes);
  for (size_t e = 0; e < edges[0].size(); ++e) {
    incoming[edges[1][e].get<int64_t>()].push_back(edges[0][e].get<int64_t>());
  }
  std::vector<int64_t> indptr = {0}, sources;
  for (const auto& own : incoming) {
    sources.insert(sources.end(), own.begin(), own.end());
    indptr.push_back(static_cast<int64_t>(sources.size()));
  }
  const Tensor left =
      (x.matmul(left_weight.t()) + vector(golden["lin_l_bias"])).view({1, nodes, heads, dim});
  const Tensor right =
      (x.matmul(right_weight.t()) + vector(golden["lin_r_bias"])).view({1, nodes, heads, dim});
  const Tensor y = Gatv2(left, right, attention, torch::tensor(indptr, torch::kInt64),
                         torch::tensor(sources, torch::kInt64))
                       .squeeze(0) +
                   bias;
  EXPECT_LT((y - matrix(golden["y"])).abs().max().item<double>(), 1e-9);
  (y * matrix(golden["loss_coefficients"]).detach()).sum().backward();
  const auto expect_gradient = [&](const Tensor& tensor, const nlohmann::json& expected) {
    EXPECT_LT((tensor.grad() - matrix(expected).detach()).abs().max().item<double>(), 1e-9);
  };
  expect_gradient(x, golden["grad_x"]);
  expect_gradient(left_weight, golden["grad_lin_l_weight"]);
  expect_gradient(right_weight, golden["grad_lin_r_weight"]);
  expect_gradient(attention, golden["grad_att"][0]);
  EXPECT_LT((bias.grad() - vector(golden["grad_bias"]).detach()).abs().max().item<double>(), 1e-9);
}

TEST(AttentionTest, FloatResultsDoNotDependOnTheThreadsOrTheBatch) {
  torch::manual_seed(4);
  const RandomGraph graph = MakeGraph(50, [](int64_t i) { return 1 + i % 9; });
  const Tensor indptr = torch::tensor(graph.indptr, torch::kInt64);
  const Tensor sources = torch::tensor(graph.sources, torch::kInt64);
  const Tensor left = torch::randn({6, 50, 2, 12}), right = torch::randn({6, 50, 2, 12});
  const Tensor attention = torch::randn({2, 12});
  at::set_num_threads(1);
  const Tensor one = Gatv2(left, right, attention, indptr, sources);
  at::set_num_threads(2);
  EXPECT_TRUE(torch::equal(one, Gatv2(left, right, attention, indptr, sources)));
  const Tensor alone =
      Gatv2(left.narrow(0, 3, 1), right.narrow(0, 3, 1), attention, indptr, sources);
  EXPECT_TRUE(torch::equal(one.narrow(0, 3, 1), alone));
}

TEST(AttentionTest, RefusesShapesThatDoNotFit) {
  const Tensor indptr = torch::tensor(std::vector<int64_t>{0, 1, 2}, torch::kInt64);
  const Tensor sources = torch::tensor(std::vector<int64_t>{0, 1}, torch::kInt64);
  EXPECT_THROW(Gatv2(torch::randn({1, 3, 2, 4}), torch::randn({1, 3, 2, 4}), torch::randn({2, 4}),
                     indptr, sources),
               c10::Error);
  EXPECT_THROW(Gatv2(torch::randn({1, 2, 2, 4}), torch::randn({1, 2, 2, 4}), torch::randn({2, 5}),
                     indptr, sources),
               c10::Error);
}

}  // namespace
}  // namespace unlasting::model
