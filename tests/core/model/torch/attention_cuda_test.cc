// The operator on LibTorch's CUDA tensors against itself on the CPU's.
#include <torch/torch.h>

#include "gtest/gtest.h"

namespace unlasting::model {

void EnsureAttentionRegistered();

namespace {

using torch::Tensor;

// Rows of 64 numbers are whole quads, rows of 33 are not; of `views`, each array begins between two
// quads.
void ExpectTheCpus(int64_t dim, bool views) {
  const auto op = c10::Dispatcher::singleton()
                      .findSchemaOrThrow("unlasting::gatv2", "")
                      .typed<Tensor(const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                                    const Tensor&)>();
  torch::manual_seed(3);
  const int64_t nodes = 150, degree = 9;
  const Tensor indptr = torch::arange(nodes + 1, torch::kInt64) * degree;
  const Tensor sources = torch::randint(0, nodes, {nodes * degree}, torch::kInt64);
  const std::vector<Tensor> inputs = {torch::randn({5, nodes, 2, dim}, torch::kFloat64),
                                      torch::randn({5, nodes, 2, dim}, torch::kFloat64),
                                      torch::randn({2, dim}, torch::kFloat64)};
  const Tensor weight = torch::randn({5, nodes, dim}, torch::kFloat64);
  const auto run = [&](torch::Device device) {
    std::vector<Tensor> there;
    for (const Tensor& input : inputs) {
      Tensor array = input.to(device).detach();
      if (views) {
        const Tensor longer = torch::cat({array.flatten().narrow(0, 0, 1), array.flatten()});
        array = longer.narrow(0, 1, array.numel()).view(array.sizes());
      }
      there.push_back(array.requires_grad_(true));
    }
    const Tensor out = op.call(there[0], there[1], there[2], indptr.to(device), sources.to(device));
    std::vector<Tensor> results = torch::autograd::grad({(out * weight.to(device)).sum()}, there);
    results.push_back(out.detach());
    for (Tensor& result : results) result = result.to(torch::kCPU);
    return results;
  };
  const auto expected = run(torch::kCPU), found = run(torch::kCUDA), again = run(torch::kCUDA);
  for (size_t k = 0; k < expected.size(); ++k) {
    EXPECT_LT((expected[k] - found[k]).abs().max().item<double>(), 1e-9) << k;
    EXPECT_TRUE(torch::equal(found[k], again[k])) << k << ": equal calls give equal bits";
  }
}

TEST(AttentionCudaTest, TheOperatorAndItsGradientsEqualTheCpus) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device";
  EnsureAttentionRegistered();
  for (const int64_t dim : {64, 33}) {
    for (const bool views : {false, true}) {
      SCOPED_TRACE(testing::Message() << "dim " << dim << ", views: " << views);
      ExpectTheCpus(dim, views);
    }
  }
}

}  // namespace
}  // namespace unlasting::model
