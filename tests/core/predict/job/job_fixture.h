// Jobs on a tiny bundle that knows genes and molecules.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "core/predict/engine/engine_factory.h"
#include "core/predict/job/job.h"
#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::predict {

class JobTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::TempFolder;
    test::TinyBundleOptions options;
    options.molecules = true;
    ASSERT_OK(test::WriteTinyBundle(folder_->At("tiny"), options));
  }
  static void TearDownTestSuite() { delete folder_; }

  void SetUp() override {
    bundle_ = *bundle::Bundle::Load(folder_->At("tiny"));
    engine_ = *CreateEngine(bundle_, EngineOptions());
    options_ = DefaultOptions(*bundle_);
  }

  std::shared_ptr<const Perturbation> Knockout(const std::string& gene) {
    return *ResolvePerturbation(*bundle_, {{gene}, "", "", {}, 0});
  }
  std::shared_ptr<ControlSet> Panel(const std::string& type, int64_t count) {
    return std::make_shared<ControlSet>(*PanelControls(*bundle_, type, count, 0));
  }
  std::vector<Profiles> Predict(std::shared_ptr<const ControlSet> controls,
                                std::vector<std::shared_ptr<const Perturbation>> perturbations) {
    auto profiles = PredictAll(engine_.get(), {controls, perturbations, options_});
    EXPECT_TRUE(profiles.ok()) << profiles.status();
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

  inline static test::TempFolder* folder_ = nullptr;
  std::shared_ptr<const bundle::Bundle> bundle_;
  std::unique_ptr<Engine> engine_;
  InFlightTrajectories in_flight_;
  PredictOptions options_;
};

}  // namespace unlasting::predict
