// CudaNetwork against CpuNetwork. Built twice: for a device, where tests skip if there is none,
// and for tests/support/host_cuda, where the same kernels run on this processor.
#include "tests/core/model/cuda/cuda_network_fixture.h"

namespace unlasting::model {
namespace {

TEST(PrecisionTest, HasTheNamesOfTheSetting) {
  using cuda::PrecisionOf;
  EXPECT_EQ(PrecisionOf("float32"), Precision::kFloat32);
  EXPECT_EQ(PrecisionOf("tf32"), Precision::kTf32);
  EXPECT_EQ(PrecisionOf("bf16"), Precision::kBf16);
  for (const char* name : {"", "auto", "TF32", "bfloat16"}) EXPECT_FALSE(PrecisionOf(name)) << name;
}

TEST_F(CudaNetworkTest, EqualsTheFusedNetworkOnGraphsOfEveryShape) {
  ExpectParity(context_, Config(67, 3),
               MakeRandomGraph(70, [](int64_t i) { return i % 5 == 0 ? 0 : 1 + i % 9; }),
               "some nodes without sources");
  ExpectParity(context_, Config(67, 3),
               MakeRandomGraph(70, [](int64_t i) { return i == 3 ? 600 : 2; }), "one hub");
  ExpectParity(context_, Config(67, 3), MakeRandomGraph(70, [](int64_t) { return 70; }), "dense");
  ExpectParity(context_, Config(67, 3), MakeRandomGraph(70, [](int64_t) { return 0; }), "no edges");
  RandomGraph loop;
  loop.indptr = {0, 1};
  loop.sources = {0};
  ExpectParity(context_, Config(1, 0), loop, "one node");
}

TEST_F(CudaNetworkTest, EqualsTheFusedNetworkWithEverySwitch) {
  const RandomGraph graph = MakeRandomGraph(33, [](int64_t i) { return 1 + i % 6; });
  const std::vector<std::pair<std::string, std::function<void(ModelConfig*)>>> switches = {
      {"static", [](ModelConfig* c) { c->grn_inputs = "static"; }},
      {"recipe paper", [](ModelConfig* c) { c->recipe = "paper"; }},
      {"no residual", [](ModelConfig* c) { c->residual = false; }},
      {"no control", [](ModelConfig* c) { c->control_input = false; }},
      {"no network", [](ModelConfig* c) { c->grn = false; }},
      {"control residual", [](ModelConfig* c) { c->control_residual = true; }},
      {"mask head", [](ModelConfig* c) { c->mask_head = "grn"; }},
      {"dose gate", [](ModelConfig* c) { c->dose_gate = "sigmoid"; }},
      {"no molecules", [](ModelConfig* c) { c->molecule_features = 0; }},
      {"expected responses", [](ModelConfig* c) { c->expected_response = true; }},
      {"expected responses of genes alone",
       [](ModelConfig* c) { c->expected_response = true, c->molecule_features = 0; }},
      {"condition vector", [](ModelConfig* c) { c->expected_response = true, c->condition = 7; }},
      {"trained perturbations from the control",
       [](ModelConfig* c) {
         c->expected_response = true, c->condition = 7, c->trained_from_control = true;
       }},
      {"one layer", [](ModelConfig* c) { c->layers = 1; }},
      {"three layers of three heads", [](ModelConfig* c) { c->layers = c->heads = 3; }},
      {"four heads", [](ModelConfig* c) { c->heads = 4; }},
      {"width 5", [](ModelConfig* c) { c->dim = 5; }},
      {"width 64", [](ModelConfig* c) { c->dim = 64; }},
      {"width 70, hidden 130", [](ModelConfig* c) { c->dim = 70, c->hidden = 130; }},
      {"width 200", [](ModelConfig* c) { c->dim = 200; }},
      {"width 300", [](ModelConfig* c) { c->dim = 300; }}};
  for (const auto& [what, change] : switches) {
    ModelConfig config = Config(31, 2);
    change(&config);
    ExpectParity(context_, config, graph, what);
  }
}

TEST_F(CudaNetworkTest, ARowIsTheSameToTheBitInAnyCompanyOfItsBucket) {
  const ModelConfig config = Config(67, 3);
  const NetworkWeights<float> arrays = RandomWeights(
      NetworkKind::kDenoiser, config, MakeRandomGraph(70, [](int64_t i) { return i % 8; }), 7);
  for (const auto& [precision, tolerance] : kTolerances) {
    CudaOptions options;
    options.precision = precision;
    CudaNetwork network(true, config, arrays, context_, options);
    Rows rows(config, 7);
    const std::vector<float> together = rows.RunThrough(&network);
    // Other rows, in other places: the last five first, padded to the same eight.
    std::vector<NetworkRow<float>> turned(rows.rows.begin() + 2, rows.rows.end());
    std::fill(rows.out.begin(), rows.out.end(), NAN);
    network.Run(turned);
    for (size_t k = 2 * config.genes; k < together.size(); ++k) {
      ASSERT_EQ(together[k], rows.out[k]) << "precision " << static_cast<int>(precision);
    }
    // And alone, up to what the products' order rounds.
    network.Run({rows.rows[0]});
    const std::vector<float> alone(rows.out.begin(), rows.out.begin() + config.genes);
    EXPECT_LT(Distance({together.begin(), together.begin() + config.genes}, alone),
              std::max(1e-5, tolerance / 4));
  }
}

TEST_F(CudaNetworkTest, MoreRowsThanABatchHoldsAreSplit) {
  ModelConfig config = Config(9, 1);
  config.hidden = 16;
  const NetworkWeights<float> arrays = RandomWeights(
      NetworkKind::kDenoiser, config, MakeRandomGraph(10, [](int64_t) { return 2; }), 7);
  CudaOptions options;
  options.precision = Precision::kFloat32;
  options.base_bytes = 1;  // and none of the node inputs outlives its batch
  CudaNetwork network(true, config, arrays, context_, options);
  CpuNetwork<float> fused(true, config, arrays, 1);
  Rows rows(config, CudaNetwork::kMaxRows + 5);
  const std::vector<float> expected = rows.RunThrough(&fused);
  EXPECT_LT(Distance(expected, rows.RunThrough(&network)), 2e-5);
  rows.knockouts[0].assign(100000, 1);
  rows.rows[0].knockout = rows.knockouts[0];
  EXPECT_THROW(network.Run(rows.rows), std::runtime_error);
}

TEST_F(CudaNetworkTest, NumbersBeyondTheTableAreComputed) {
  const ModelConfig config = Config(31, 2);
  const NetworkWeights<float> arrays = RandomWeights(
      NetworkKind::kDenoiser, config, MakeRandomGraph(33, [](int64_t i) { return 1 + i % 6; }), 7);
  Rows rows(config, 4);
  for (float& value : rows.x_t) value *= 400.0f;
  for (float& value : rows.control) value *= 50.0f;
  CpuNetwork<float> fused(true, config, arrays, 1);
  CudaOptions options;
  options.precision = Precision::kFloat32;
  CudaNetwork network(true, config, arrays, context_, options);
  const std::vector<float> expected = rows.RunThrough(&fused);
  EXPECT_LT(Distance(expected, rows.RunThrough(&network)), 1e-4);
}

}  // namespace
}  // namespace unlasting::model
