#include "core/diffusion/solver.h"

#include <cmath>
#include <functional>
#include <utility>

#include "core/base/counter_rng.h"
#include "tests/support/files.h"

namespace unlasting::diffusion {
namespace {

// E[x0 | x_t] of x0 ~ N(mean, deviation^2): the exact denoiser of Gaussian data.
std::function<double(double, int)> GaussianDenoiser(const Schedule& schedule, double mean,
                                                    double deviation) {
  return [&schedule, mean, deviation](double x, int time) {
    const double abar = schedule.alpha_bar(time);
    const double variance = abar * deviation * deviation + (1 - abar);
    return mean + std::sqrt(abar) * deviation * deviation * (x - std::sqrt(abar) * mean) / variance;
  };
}

double RunPlan(const Plan& plan, double x, const std::function<double(double, int)>& denoise) {
  double previous = 0;
  for (const SolverStep& step : plan) {
    const double x0 = denoise(x, step.time);
    x = step.x_coefficient * x + step.x0_coefficient * x0 + step.previous_coefficient * previous;
    previous = x0;
  }
  return x;
}

// Largest error of the bridge against y = m2 + (x - m1) s2 / s1 over a spread of cells.
double BridgeError(const Schedule& schedule, Solver solver, int steps) {
  const auto source = GaussianDenoiser(schedule, 0.3, 0.1);
  const auto target = GaussianDenoiser(schedule, 0.55, 0.2);
  const BridgePlan plan = *MakeBridgePlan(schedule, solver, steps);
  double worst = 0;
  for (double x = 0.05; x < 0.6; x += 0.05) {
    const double y = RunPlan(plan.decode, RunPlan(plan.invert, x, source), target);
    worst = std::max(worst, std::abs(y - (0.55 + (x - 0.3) * 2.0)));
  }
  return worst;
}

// Where the exact flow takes a Gaussian of `mean`, `deviation` between two times: centred values
// scale with the marginals' deviations.
double ExactFlow(const Schedule& schedule, double x, int from, int to, double mean,
                 double deviation) {
  const auto spread = [&](int time) {
    const double abar = schedule.alpha_bar(time);
    return std::sqrt(abar * deviation * deviation + 1 - abar);
  };
  return std::sqrt(schedule.alpha_bar(to)) * mean +
         (x - std::sqrt(schedule.alpha_bar(from)) * mean) * spread(to) / spread(from);
}

// Largest error against the exact flow from time 0 to the last and back: what remains is the
// solver's own.
double FlowError(const Schedule& schedule, Solver solver, int steps) {
  const auto source = GaussianDenoiser(schedule, 0.3, 0.1);
  const auto target = GaussianDenoiser(schedule, 0.55, 0.2);
  const BridgePlan plan = *MakeBridgePlan(schedule, solver, steps);
  const int last = schedule.steps() - 1;
  double worst = 0;
  for (double x = 0.05; x < 0.6; x += 0.05) {
    const double found = RunPlan(plan.decode, RunPlan(plan.invert, x, source), target);
    const double latent = ExactFlow(schedule, x, 0, last, 0.3, 0.1);
    worst = std::max(worst, std::abs(found - ExactFlow(schedule, latent, last, 0, 0.55, 0.2)));
  }
  return worst;
}

TEST(DdimTest, MatchesTheReleasedConventionOnGoldenNumbers) {
  const auto golden = test::ReadJson("tests/golden/gatv2_ddib.json")["ddib"];
  ASSERT_FALSE(golden["alphas_cumprod_at"].empty());
  ASSERT_FALSE(golden["x"].empty());
  const Schedule schedule;
  for (const auto& [time, value] : golden["alphas_cumprod_at"].items()) {
    EXPECT_NEAR(schedule.alpha_bar(std::stoi(time)) / value.get<double>(), 1.0, 1e-9) << time;
  }
  const auto source = GaussianDenoiser(schedule, golden["source"]["m"], golden["source"]["s"]);
  const auto target = GaussianDenoiser(schedule, golden["target"]["m"], golden["target"]["s"]);
  const BridgePlan plan = *MakeBridgePlan(schedule, Solver::kDdim, 50);
  for (size_t k = 0; k < golden["x"].size(); ++k) {
    const double latent = RunPlan(plan.invert, golden["x"][k], source);
    EXPECT_NEAR(latent, golden["latent"][k].get<double>(), 1e-9);
    EXPECT_NEAR(RunPlan(plan.decode, latent, target), golden["bridged"][k].get<double>(), 1e-9);
  }
}

TEST(SolverTest, BothSolversTakeTheStepsTheyAreAskedFor) {
  const Schedule schedule;
  for (const Solver solver : {Solver::kDdim, Solver::kDpmSolverPp2m}) {
    for (const int steps : {1, 7, 10, 50, 499}) {
      const BridgePlan plan = *MakeBridgePlan(schedule, solver, steps);
      EXPECT_EQ(plan.invert.size(), static_cast<size_t>(steps));
      EXPECT_EQ(plan.decode.size(), static_cast<size_t>(steps));
      for (size_t k = 1; k < plan.invert.size(); ++k) {
        EXPECT_LT(plan.invert[k - 1].time, plan.invert[k].time);
        EXPECT_GT(plan.decode[k - 1].time, plan.decode[k].time);
      }
    }
  }
}

TEST(DpmSolverTest, TenStepsAreNearerToTheExactGaussianBridgeThanDdimFifty) {
  const Schedule schedule;
  EXPECT_LT(BridgeError(schedule, Solver::kDpmSolverPp2m, 10),
            0.5 * BridgeError(schedule, Solver::kDdim, 50));
}

TEST(DpmSolverTest, TenStepsMeetGenesOfEverySpread) {
  const Schedule schedule;
  const BridgePlan plan = *MakeBridgePlan(schedule, Solver::kDpmSolverPp2m, 10);
  const int last = schedule.steps() - 1;
  for (const double s : {0.05, 0.08, 0.12, 0.16, 0.25, 0.4}) {
    const auto source = GaussianDenoiser(schedule, 0.2, s);
    const auto target = GaussianDenoiser(schedule, 0.3, 1.3 * s);
    for (const double z : {-1.5, -0.5, 0.0, 1.0}) {
      const double x = 0.2 + z * s;
      const double found = RunPlan(plan.decode, RunPlan(plan.invert, x, source), target);
      const double latent = ExactFlow(schedule, x, 0, last, 0.2, s);
      EXPECT_NEAR(found, ExactFlow(schedule, latent, last, 0, 0.3, 1.3 * s), 0.06 * s) << s << z;
    }
  }
}

TEST(DpmSolverTest, ConvergesWithSecondOrderOnTheGaussianBridge) {
  // A fine schedule, so that integer times do not limit the grid.
  const Schedule schedule(80000, 2e-4 / 160, 0.04 / 160);
  const double coarse = FlowError(schedule, Solver::kDpmSolverPp2m, 40);
  const double fine = FlowError(schedule, Solver::kDpmSolverPp2m, 160);
  // Order two: a factor of 16 for four times the steps.
  EXPECT_GT(coarse / fine, 10.0);
  EXPECT_LT(fine, 2e-4);
}

TEST(DdimTest, ConvergesWithFirstOrderOnTheGaussianBridge) {
  const Schedule schedule(20000, 2e-4 / 40, 0.04 / 40);
  const double coarse = BridgeError(schedule, Solver::kDdim, 250);
  const double fine = BridgeError(schedule, Solver::kDdim, 1000);
  EXPECT_GT(coarse / fine, 2.5);
}

TEST(SolverTest, RefusesStepsOutOfRangeAndUnknownNames) {
  const Schedule schedule;
  for (const int steps : {0, -3, 501}) {
    const auto plan = MakeBridgePlan(schedule, Solver::kDdim, steps);
    EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(plan.status().message().find("solver_steps"), absl::string_view::npos);
  }
  EXPECT_FALSE(MakeBridgePlan(schedule, Solver::kDpmSolverPp2m, 500).ok());
  EXPECT_EQ(*ParseSolver("ddim"), Solver::kDdim);
  EXPECT_FALSE(ParseSolver("euler").ok());
}

// Mean and variance behind a decoding plan with the exact denoiser, from standard normal latents:
// each step is affine in x, so both follow without drawing anything.
std::pair<double, double> DecodedMoments(const Schedule& schedule, int steps, double eta,
                                         double mean, double deviation) {
  const auto denoise = GaussianDenoiser(schedule, mean, deviation);
  const BridgePlan plan = *MakeBridgePlan(schedule, Solver::kDdim, steps, eta);
  double m = 0, variance = 1;
  for (const SolverStep& step : plan.decode) {
    const double offset = denoise(0, step.time), slope = denoise(1, step.time) - offset;
    const double gain = step.x_coefficient + step.x0_coefficient * slope;
    m = gain * m + step.x0_coefficient * offset;
    variance = gain * gain * variance + step.noise_coefficient * step.noise_coefficient;
  }
  return {m, variance};
}

TEST(EtaTest, MarginalsOfTheGaussianBridgeStayRight) {
  for (const double eta : {0.3, 1.0}) {
    const Schedule schedule;
    const auto [mean, variance] = DecodedMoments(schedule, 500, eta, 0.55, 0.2);
    EXPECT_NEAR(mean, 0.55, 0.005) << eta;
    // 500 steps leave 0.0068 at eta = 1: the posterior's variance is exact for a single x0.
    EXPECT_NEAR(std::sqrt(variance), 0.2, 0.01) << eta;
    // And more so with finer steps.
    const Schedule fine(20000, 2e-4 / 40, 0.04 / 40);
    const auto coarse_deviation = std::sqrt(DecodedMoments(fine, 100, eta, 0.55, 0.2).second);
    const auto fine_deviation = std::sqrt(DecodedMoments(fine, 2000, eta, 0.55, 0.2).second);
    EXPECT_LT(std::abs(fine_deviation - 0.2), 0.3 * std::abs(coarse_deviation - 0.2)) << eta;
    EXPECT_LT(std::abs(fine_deviation - 0.2), 0.002) << eta;
  }
}

TEST(EtaTest, OneForgetsWhereTheCellCameFromAndLessForgetsLess) {
  const Schedule schedule;
  const auto memory = [&](double eta) {
    const auto denoise = GaussianDenoiser(schedule, 0.55, 0.2);
    const BridgePlan plan = *MakeBridgePlan(schedule, Solver::kDdim, 100, eta);
    return RunPlan(plan.decode, 1.0, denoise) - RunPlan(plan.decode, 0.0, denoise);
  };
  EXPECT_NEAR(memory(0), 0.2, 0.02);
  EXPECT_LT(memory(0.5), 0.8 * memory(0));
  EXPECT_LT(memory(1), 0.05 * memory(0));
}

TEST(EtaTest, ZeroIsTheDeterministicPlanToTheBitAndInversionAlwaysIs) {
  const Schedule schedule;
  const BridgePlan plain = *MakeBridgePlan(schedule, Solver::kDdim, 50);
  const BridgePlan drawn = *MakeBridgePlan(schedule, Solver::kDdim, 50, 0.7);
  for (size_t k = 0; k < 50; ++k) {
    EXPECT_EQ(drawn.invert[k].x_coefficient, plain.invert[k].x_coefficient);
    EXPECT_EQ(drawn.invert[k].noise_coefficient, 0);
    EXPECT_EQ(plain.decode[k].noise_coefficient, 0);
    // The last step ends at the clean profile.
    EXPECT_EQ(drawn.decode[k].noise_coefficient > 0, k + 1 < 50) << k;
    const int time = plain.decode[k].time;
    const double from = schedule.alpha_bar(time), to = k < 49 ? schedule.alpha_bar(time - 10) : 1.0;
    EXPECT_EQ(plain.decode[k].x_coefficient, std::sqrt(1.0 - to) / std::sqrt(1.0 - from));
  }
}

TEST(EtaTest, IsRefusedOutOfRangeAndWithTheMultistepSolver) {
  const Schedule schedule;
  for (const double eta : {-0.1, 1.1, std::nan("")}) {
    const auto plan = MakeBridgePlan(schedule, Solver::kDdim, 50, eta);
    EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(plan.status().message().find("eta"), absl::string_view::npos);
  }
  const auto plan = MakeBridgePlan(schedule, Solver::kDpmSolverPp2m, 10, 0.5);
  EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(plan.status().message().find("dpmpp2m"), absl::string_view::npos);
}

TEST(NoiseTest, IsStandardNormalAndAFunctionOfItsPlace) {
  const int count = 200000;
  double sum = 0, squares = 0, cubes = 0, fourths = 0, neighbours = 0, beyond = 0;
  double last = 0;
  for (int k = 0; k < count; ++k) {
    const double z = StandardNormal(StepKey(42, k / 2000), k % 2000);
    sum += z;
    squares += z * z;
    cubes += z * z * z;
    fourths += z * z * z * z;
    neighbours += z * last;
    beyond += std::abs(z) > 1.959964;
    last = z;
  }
  // Five standard errors each.
  EXPECT_NEAR(sum / count, 0, 5 / std::sqrt(count));
  EXPECT_NEAR(squares / count, 1, 5 * std::sqrt(2.0 / count));
  EXPECT_NEAR(cubes / count, 0, 5 * std::sqrt(15.0 / count));
  EXPECT_NEAR(fourths / count, 3, 5 * std::sqrt(96.0 / count));
  EXPECT_NEAR(neighbours / count, 0, 5 / std::sqrt(count));
  EXPECT_NEAR(beyond / count, 0.05, 5 * std::sqrt(0.05 * 0.95 / count));
  EXPECT_EQ(StandardNormal(StepKey(1, 2), 3), StandardNormal(StepKey(1, 2), 3));
  EXPECT_NE(StandardNormal(StepKey(1, 2), 3), StandardNormal(StepKey(1, 3), 3));
  EXPECT_NE(StandardNormal(StepKey(1, 2), 3), StandardNormal(StepKey(2, 2), 3));
}

}  // namespace
}  // namespace unlasting::diffusion
