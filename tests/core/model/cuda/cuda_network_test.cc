// CudaNetwork against CpuNetwork. Built twice: for a device, where tests skip if there is none,
// and for tests/support/host_cuda, where the same kernels run on this processor.
#include "core/model/cuda/cuda_network.h"

#include <cmath>
#include <functional>
#include <random>
#include <string>

#include "core/base/counter_rng.h"
#include "core/diffusion/solver.h"
#include "gtest/gtest.h"
#include "tests/support/random_weights.h"

namespace unlasting::model {
namespace {

using cpu::CpuNetwork;
using cpu::Molecule;
using cpu::NetworkRow;
using cuda::Cell;
using cuda::CellStep;
using cuda::Context;
using cuda::CudaNetwork;
using cuda::CudaOptions;
using cuda::Precision;
using test::MakeRandomGraph;
using test::RandomGraph;
using test::RandomWeights;

class CudaNetworkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (cuda::DeviceCount() == 0) GTEST_SKIP() << "no CUDA device";
    context_ = std::make_shared<Context>(0);
  }
  std::shared_ptr<Context> context_;
};

ModelConfig Config(int64_t genes, int64_t extra) {
  ModelConfig config;
  config.genes = genes;
  config.nodes = genes + extra;
  config.cell_types = 3;
  config.molecule_features = 5;
  config.dim = 20;
  config.hidden = 40;
  return config;
}

// Rows of every kind: source model, knockouts, molecules; several times and cell types.
struct Rows {
  Rows(const ModelConfig& config, int64_t count, bool controls = false) : genes(config.genes) {
    std::mt19937_64 random(6);
    std::normal_distribution<float> normal;
    std::uniform_real_distribution<float> uniform(0.0f, 1.0f);
    x_t.resize(count * genes);
    control.resize(count * genes);
    out.resize(count * genes);
    features.resize(count * config.molecule_features);
    for (float& value : x_t) value = normal(random);
    for (float& value : control) value = uniform(random);
    for (float& value : features) value = uniform(random);
    knockouts.resize(count);
    molecules.resize(count);
    for (int64_t k = 0; k < count; ++k) {
      NetworkRow<float> row;
      row.x_t = x_t.data() + k * genes;
      row.time = static_cast<int32_t>((k * 131) % config.times);
      row.cell_type = static_cast<int32_t>(k % config.cell_types);
      row.out = out.data() + k * genes;
      if (controls || k % 3 > 0) row.control = control.data() + k * genes;
      if (k % 3 == 1) {
        knockouts[k] = {static_cast<int32_t>(k % config.nodes),
                        static_cast<int32_t>(config.nodes - 1)};
      }
      if (k % 3 == 2 && config.molecule_features > 0) {
        molecules[k].features = absl::MakeConstSpan(features).subspan(k * config.molecule_features,
                                                                      config.molecule_features);
        molecules[k].log10_dose_um = 0.1f * static_cast<float>(k) - 1.0f;
        molecules[k].key = std::to_string(k);
        row.molecule = &molecules[k];
      }
      row.knockout = knockouts[k];
      rows.push_back(row);
    }
  }
  std::vector<float> RunThrough(CpuNetwork<float>* network) {
    network->Run(rows);
    return out;
  }
  std::vector<float> RunThrough(CudaNetwork* network) {
    std::fill(out.begin(), out.end(), NAN);
    network->Run(rows);
    return out;
  }

  int64_t genes;
  std::vector<float> x_t, control, out, features;
  std::vector<std::vector<int32_t>> knockouts;
  std::vector<Molecule<float>> molecules;
  std::vector<NetworkRow<float>> rows;
};

// Largest difference, in units of the largest value where that is above 1.
double Distance(const std::vector<float>& expected, const std::vector<float>& found) {
  double scale = 1, largest = 0;
  for (size_t k = 0; k < expected.size(); ++k) {
    scale = std::max(scale, std::abs(static_cast<double>(expected[k])));
    const double difference = std::abs(static_cast<double>(expected[k]) - found[k]);
    if (!(difference <= largest)) largest = difference;  // NaN stays
  }
  return largest / scale;
}

// float32 differs by the order of sums; TF32 keeps 11 bits of each factor, bfloat16 8.
constexpr std::pair<Precision, double> kTolerances[] = {
    {Precision::kFloat32, 2e-5}, {Precision::kTf32, 2e-2}, {Precision::kBf16, 6e-2}};

void ExpectParity(const std::shared_ptr<Context>& context, const ModelConfig& config,
                  const RandomGraph& graph, const std::string& what) {
  for (const NetworkKind kind : {NetworkKind::kDenoiser, NetworkKind::kMask}) {
    const bool denoiser = kind == NetworkKind::kDenoiser;
    const NetworkWeights<float> arrays = RandomWeights(kind, config, graph, 7);
    Rows rows(config, 7, /*controls=*/!denoiser);
    CpuNetwork<float> fused(denoiser, config, arrays, 1);
    const std::vector<float> expected = rows.RunThrough(&fused);
    for (const auto& [precision, tolerance] : kTolerances) {
      CudaOptions options;
      options.precision = precision;
      CudaNetwork network(denoiser, config, arrays, context, options);
      const std::vector<float> found = rows.RunThrough(&network);
      EXPECT_LT(Distance(expected, found), tolerance)
          << what << (denoiser ? ", denoiser" : ", mask") << ", precision "
          << static_cast<int>(precision);
      EXPECT_EQ(found, rows.RunThrough(&network)) << what << ": equal calls give equal bits";
    }
  }
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

// The solver's update as core/predict/engine/engine.cc makes it.
void Advance(const diffusion::SolverStep& step, const float* x0, std::vector<float>* x,
             std::vector<float>* previous) {
  for (size_t g = 0; g < x->size(); ++g) {
    (*x)[g] = static_cast<float>(step.x_coefficient * (*x)[g] + step.x0_coefficient * x0[g] +
                                 step.previous_coefficient * (*previous)[g]);
    (*previous)[g] = x0[g];
  }
}

TEST_F(CudaNetworkTest, NoiseOfAStepIsTheHosts) {
  const ModelConfig config = Config(31, 2);
  const NetworkWeights<float> arrays = RandomWeights(
      NetworkKind::kDenoiser, config, MakeRandomGraph(33, [](int64_t i) { return 1 + i % 6; }), 7);
  CudaOptions options;
  options.precision = Precision::kFloat32;
  CudaNetwork network(true, config, arrays, context_, options);
  Rows rows(config, 3);
  const auto pool = network.NewPool();
  std::vector<std::vector<float>> found;
  for (const double noise : {0.0, 0.25}) {
    std::vector<std::shared_ptr<Cell>> cells;
    std::vector<CellStep> steps;
    for (size_t k = 0; k < 3; ++k) {
      cells.push_back(pool->Acquire());
      pool->Put(rows.rows[k].x_t, rows.rows[k].control, cells.back().get());
      CellStep step;
      step.cell = cells.back().get();
      step.time = 100;
      step.knockout = rows.rows[k].knockout;
      step.noise_coefficient = noise;
      step.noise_key = diffusion::StepKey(k, 5);
      steps.push_back(step);
    }
    network.Step(steps);
    for (const auto& cell : cells) {
      found.emplace_back(config.genes);
      pool->Take({cell.get()}, {found.back().data()});
    }
  }
  for (size_t k = 0; k < 3; ++k) {
    for (int64_t g = 0; g < config.genes; ++g) {
      EXPECT_NEAR(found[3 + k][g] - found[k][g],
                  0.25f * diffusion::StandardNormal(diffusion::StepKey(k, 5), g), 1e-5);
    }
  }
}

TEST_F(CudaNetworkTest, CellsThatStayOnTheDeviceWalkTheSamePath) {
  for (const char* grn_inputs : {"paper", "static"}) {
    ModelConfig config = Config(31, 2);
    config.grn_inputs = grn_inputs;
    const NetworkWeights<float> arrays =
        RandomWeights(NetworkKind::kDenoiser, config,
                      MakeRandomGraph(33, [](int64_t i) { return 1 + i % 6; }), 7);
    CpuNetwork<float> fused(true, config, arrays, 1);
    CudaOptions options;
    options.precision = Precision::kFloat32;
    CudaNetwork network(true, config, arrays, context_, options);
    const auto pool = network.NewPool();
    Rows rows(config, 5);
    const auto plan =
        diffusion::MakeBridgePlan(diffusion::Schedule(), diffusion::Solver::kDpmSolverPp2m, 4)
            ->decode;
    std::vector<std::shared_ptr<Cell>> cells;
    std::vector<std::vector<float>> x, previous;
    std::vector<AlignedVector<float>> gene_readout(5);
    for (int k = 0; k < 5; ++k) {
      const auto& row = rows.rows[k];
      cells.push_back(pool->Acquire());
      pool->Put(row.x_t, row.control, cells.back().get());
      x.emplace_back(row.x_t, row.x_t + config.genes);
      previous.emplace_back(config.genes);
      rows.rows[k].gene_readout = &gene_readout[k];
    }
    // The last two cells set out one step later: rows of any step share a batch.
    for (size_t tick = 0; tick <= plan.size(); ++tick) {
      std::vector<CellStep> steps;
      for (int k = 0; k < 5; ++k) {
        const size_t at = tick - (k >= 3 ? 1 : 0);
        if (at >= plan.size()) continue;
        NetworkRow<float>& row = rows.rows[k];
        row.time = plan[at].time;
        row.x_t = x[k].data();
        fused.Run({row});
        Advance(plan[at], row.out, &x[k], &previous[k]);
        CellStep step;
        step.cell = cells[k].get();
        step.time = plan[at].time;
        step.cell_type = row.cell_type;
        step.knockout = row.knockout;
        step.molecule = row.molecule;
        step.x_coefficient = plan[at].x_coefficient;
        step.x0_coefficient = plan[at].x0_coefficient;
        step.previous_coefficient = plan[at].previous_coefficient;
        steps.push_back(step);
      }
      network.Step(steps);
    }
    for (int k = 0; k < 5; ++k) {
      std::vector<float> found(config.genes);
      pool->Take({cells[k].get()}, {found.data()});
      EXPECT_LT(Distance(x[k], found), 1e-4) << grn_inputs << ", cell " << k;
    }
  }
}

}  // namespace
}  // namespace unlasting::model
