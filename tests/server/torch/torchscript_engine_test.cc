#include "server/torch/torchscript_engine.h"

#include "core/predict/engine/engine_factory.h"
#include "core/predict/job/job.h"
#include "tests/support/files.h"
#include "tests/support/tiny_torch_bundle.h"

namespace unlasting::server {
namespace {

using predict::Engine;
using predict::EngineOptions;
using predict::PredictOptions;
using predict::Profiles;

// The fused evaluator and LibTorch run the same weights.
class TorchScriptEngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    test::TinyBundleOptions options;
    options.molecules = true;
    ASSERT_OK(test::WriteTinyTorchBundle(folder_.At("tiny"), options));
    bundle_ = *bundle::Bundle::Load(folder_.At("tiny"));
  }

  std::vector<Profiles> Predict(Engine* engine, const PredictOptions& options) {
    const auto controls =
        std::make_shared<const predict::ControlSet>(*predict::PanelControls(*bundle_, "T1", 30, 0));
    std::vector<std::shared_ptr<const predict::Perturbation>> perturbations = {
        *predict::ResolvePerturbation(*bundle_, {{"G2"}, "", "", {}, 0}),
        *predict::ResolvePerturbation(*bundle_, {{}, "", "CCO", {}, 0.5})};
    auto profiles = predict::PredictAll(engine, {controls, perturbations, options});
    EXPECT_OK(profiles);
    return *std::move(profiles);
  }

  static double Difference(const DenseMatrix& a, const DenseMatrix& b) {
    EXPECT_EQ(a.values.size(), b.values.size());
    double worst = 0;
    for (size_t k = 0; k < a.values.size(); ++k) {
      worst = std::max(worst, std::abs(static_cast<double>(a.values[k]) - b.values[k]));
    }
    return worst;
  }

  // The largest difference of any profile between the evaluators.
  double DifferenceToFused(model::Attention attention, const PredictOptions& options) {
    const auto fused = CreateEngine(bundle_, EngineOptions());
    EXPECT_OK(fused);
    const auto torchscript = MakeTorchScriptEngine(bundle_, EngineOptions(), attention);
    EXPECT_OK(torchscript);
    const auto expected = Predict(fused->get(), options);
    const auto found = Predict(torchscript->get(), options);
    EXPECT_EQ(found.size(), 2u);
    double worst = 0;
    for (size_t k = 0; k < found.size(); ++k) {
      worst = std::max(worst, Difference(found[k].values, expected[k].values));
    }
    return worst;
  }

  test::TempFolder folder_;
  std::shared_ptr<const bundle::Bundle> bundle_;
};

TEST_F(TorchScriptEngineTest, TheExportedFilesGiveTheFusedEnginesProfilesAfterAWholeBridge) {
  EXPECT_LT(DifferenceToFused(model::Attention::kPlain, predict::DefaultOptions(*bundle_)), 1e-4);
}

TEST_F(TorchScriptEngineTest, OurOperatorsGiveTheFusedEnginesProfilesToo) {
  EXPECT_LT(DifferenceToFused(model::Attention::kFused, predict::DefaultOptions(*bundle_)), 1e-4);
}

TEST_F(TorchScriptEngineTest, BothEvaluatorsDrawTheSameNoise) {
  PredictOptions options = predict::DefaultOptions(*bundle_);
  options.solver = diffusion::Solver::kDdim;
  options.solver_steps = 20;
  options.eta = 1;
  EXPECT_LT(DifferenceToFused(model::Attention::kFused, options), 1e-3);
}

TEST_F(TorchScriptEngineTest, RefusesADeviceThatIsNotThere) {
  for (const char* device : {"tpu", "cuda:x", ""}) {
    EngineOptions options;
    options.device = device;
    EXPECT_EQ(MakeTorchScriptEngine(bundle_, options).status().code(),
              absl::StatusCode::kInvalidArgument)
        << device;
  }
}

TEST_F(TorchScriptEngineTest, ComputesInFloat32Alone) {
  EngineOptions options;
  const auto engine = MakeTorchScriptEngine(bundle_, options);
  ASSERT_TRUE(engine.ok());
  EXPECT_EQ((*engine)->options().precision, "float32");
  options.precision = "tf32";
  EXPECT_EQ(MakeTorchScriptEngine(bundle_, options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace unlasting::server
