// Whole predictions by the engine for a device against those of the CPU's.
#include "core/predict/engine/cuda_engine.h"

#include "gmock/gmock.h"
#include "tests/core/predict/job/job_fixture.h"

namespace unlasting::predict {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class CudaEngineTest : public JobTest {
 protected:
  void SetUp() override {
    if (!CudaDeviceIsThere()) GTEST_SKIP() << "no CUDA device";
    JobTest::SetUp();
    options_.solver_steps = 4;
    perturbations_ = {Knockout("G1"), Knockout("U0"),
                      *ResolvePerturbation(*bundle_, {{"G2", "G3"}, "", "", {}, 0}),
                      *ResolvePerturbation(*bundle_, {{}, "", "CC(=O)Oc1ccccc1C(=O)O", {}, 0.5})};
  }

  std::unique_ptr<Engine> OnDevice(const std::string& precision) {
    EngineOptions options;
    options.device = "cuda:0";
    options.precision = precision;
    options.max_batch = 16;  // so that steps are split
    auto engine = MakeCudaEngine(bundle_, options);
    EXPECT_TRUE(engine.ok()) << engine.status();
    return *std::move(engine);
  }

  std::vector<Profiles> PredictOn(Engine* engine, std::shared_ptr<const ControlSet> controls) {
    auto profiles = PredictAll(engine, {controls, perturbations_, options_});
    EXPECT_TRUE(profiles.ok()) << profiles.status();
    return *std::move(profiles);
  }

  // Where two cells' values are nearly equal, rounding may silence the one in place of the other:
  // that few values may differ by more than `tolerance`.
  void ExpectTheCpus(Engine* engine, std::shared_ptr<const ControlSet> controls, double tolerance,
                     double share) {
    const auto expected = PredictOn(engine_.get(), controls), found = PredictOn(engine, controls);
    ASSERT_EQ(expected.size(), found.size());
    for (size_t p = 0; p < expected.size(); ++p) {
      const auto& one = expected[p].values.values;
      const auto& other = found[p].values.values;
      ASSERT_EQ(one.size(), other.size());
      double far = 0;
      for (size_t k = 0; k < one.size(); ++k) {
        far += std::abs(one[k] - other[k]) <= tolerance ? 0 : 1;
      }
      EXPECT_LE(far / static_cast<double>(one.size()), share) << "perturbation " << p;
    }
  }

  std::shared_ptr<ControlSet> Donor() {
    const auto panel = Panel("T1", 0);
    cells::ControlMatrix controls;
    controls.genes = bundle_->manifest().genes;
    controls.values = panel->values;
    controls.cell_types.assign(controls.values.rows, "donor");
    controls.new_context = "donor";
    return std::make_shared<ControlSet>(*ResolveControls(*bundle_, controls));
  }

  std::vector<std::shared_ptr<const Perturbation>> perturbations_;
};

TEST_F(CudaEngineTest, PredictsWhatTheCpuDoesInEveryPrecision) {
  struct {
    const char* precision;
    double tolerance, share;
  } const cases[] = {{"float32", 1e-3, 0.001}, {"tf32", 0.05, 0.02}, {"bf16", 0.1, 0.04}};
  for (const auto& each : cases) {
    SCOPED_TRACE(each.precision);
    const auto engine = OnDevice(each.precision);
    EXPECT_EQ(engine->options().precision, each.precision);
    ExpectTheCpus(engine.get(), Panel("T0", 25), each.tolerance, each.share);
  }
}

TEST_F(CudaEngineTest, PredictsFewCellsByTheThresholdsOfThePanel) {
  ExpectTheCpus(OnDevice("float32").get(), Panel("T1", 3), 1e-3, 0.001);
}

TEST_F(CudaEngineTest, PredictsCellsOfANewContext) {
  ExpectTheCpus(OnDevice("float32").get(), Donor(), 1e-3, 0.001);
}

TEST_F(CudaEngineTest, DrawsTheNoiseThatTheCpuDraws) {
  options_.solver = diffusion::Solver::kDdim;
  options_.eta = 0.7;
  options_.seed = 9;
  ExpectTheCpus(OnDevice("float32").get(), Panel("T0", 25), 2e-3, 0.001);
  options_.random_latent = true;
  ExpectTheCpus(OnDevice("float32").get(), Panel("T0", 25), 2e-3, 0.001);
}

TEST_F(CudaEngineTest, SaysTheSameBitsTwice) {
  const auto engine = OnDevice("bf16");
  const auto controls = Panel("T0", 25);
  const auto first = PredictOn(engine.get(), controls), second = PredictOn(engine.get(), controls);
  for (size_t p = 0; p < first.size(); ++p) {
    EXPECT_EQ(first[p].values.values, second[p].values.values);
  }
}

TEST_F(CudaEngineTest, NamesADeviceAndAPrecisionThatItLacks) {
  EngineOptions options;
  options.device = "cuda:99";
  const auto device = MakeCudaEngine(bundle_, options);
  EXPECT_THAT(std::string(device.status().message()),
              AllOf(HasSubstr("device: found 'cuda:99'"), HasSubstr("counted from 0")));
  options.device = "cuda:x";
  EXPECT_THAT(std::string(MakeCudaEngine(bundle_, options).status().message()),
              HasSubstr("found 'cuda:x', expected auto, cpu or cuda[:index]"));
  options.device = "cuda";
  options.precision = "half";
  EXPECT_THAT(std::string(MakeCudaEngine(bundle_, options).status().message()),
              HasSubstr("found 'half', expected auto, float32, tf32 or bf16"));
  options.precision = "auto";
  EXPECT_EQ((*MakeCudaEngine(bundle_, options))->options().precision, "bf16");
}

}  // namespace
}  // namespace unlasting::predict
