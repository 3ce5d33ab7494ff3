// Cells that stay on the device between steps, against the host. Built twice, as
// cuda_network_test.cc.
#include "tests/core/model/cuda/cuda_network_fixture.h"

namespace unlasting::model {
namespace {

// The solver's update as core/predict/engine/engine_steps.cc makes it.
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
