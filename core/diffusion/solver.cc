#include "core/diffusion/solver.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace unlasting::diffusion {
namespace {

// From noise level alpha_bar `from` to `to`: sqrt(to) x0 + sqrt(1-to) eps, with eps from x and x0.
// Of eps's part eta^2 times the posterior's variance is drawn anew (eq 3).
SolverStep DdimStep(int time, double from, double to, double eta = 0) {
  SolverStep step;
  step.time = time;
  const double drawn = eta > 0 ? eta * eta * (1.0 - to) / (1.0 - from) * (1.0 - from / to) : 0.0;
  step.noise_coefficient = std::sqrt(drawn);
  step.x_coefficient = std::sqrt(std::max(0.0, 1.0 - to - drawn)) / std::sqrt(1.0 - from);
  step.x0_coefficient = std::sqrt(to) - step.x_coefficient * std::sqrt(from);
  return step;
}

BridgePlan DdimPlan(const Schedule& schedule, int steps, double eta) {
  // Leading times 0, s, 2s, ...; the latent is taken to be pure noise (alpha_bar 0) and the result
  // clean (alpha_bar 1), as in the released code.
  const int stride = schedule.steps() / steps;
  std::vector<double> alpha_bar;
  for (int k = 0; k < steps; ++k) alpha_bar.push_back(schedule.alpha_bar(k * stride));
  BridgePlan plan;
  for (int k = 0; k < steps; ++k) {
    const double to = k + 1 < steps ? alpha_bar[k + 1] : 0.0;
    plan.invert.push_back(DdimStep(k * stride, alpha_bar[k], to));
  }
  for (int k = steps - 1; k >= 0; --k) {
    const double to = k > 0 ? alpha_bar[k - 1] : 1.0;
    plan.decode.push_back(DdimStep(k * stride, alpha_bar[k], to, eta));
  }
  return plan;
}

// How fast the denoiser of a gene with deviation s turns from the gene's mean to x_t, over lambda:
// c (1 - c), c = s^2 / (s^2 + sigma^2), largest where the noise is as large as the gene's own
// spread. The sum over spreads that log1p values divided by their largest have, and some
// everywhere.
double Density(double lambda) {
  constexpr double kEverywhere = 0.2;
  double sum = 0;
  constexpr double kDeviations[] = {0.03, 0.06, 0.12, 0.25, 0.5};
  for (const double s : kDeviations) {
    const double c = 1.0 / (1.0 + std::exp(-2.0 * (lambda + std::log(s))));
    sum += 4.0 * c * (1.0 - c) / std::size(kDeviations);
  }
  return kEverywhere + sum;
}

// steps + 1 integer times from 0 to the last, with as much of the density between each as integers
// allow.
std::vector<int> LogSnrTimes(const Schedule& schedule, int steps) {
  const int last = schedule.steps() - 1;
  std::vector<double> passed = {0.0};
  for (int time = 1; time <= last; ++time) {
    const double from = schedule.Lambda(time - 1), to = schedule.Lambda(time);
    passed.push_back(passed.back() + (from - to) * 0.5 * (Density(from) + Density(to)));
  }
  std::vector<int> times = {0};
  for (int k = 1; k <= steps; ++k) {
    const double target = passed.back() * k / steps;
    int time = times.back() + 1;
    while (time < last && std::abs(passed[time + 1] - target) <= std::abs(passed[time] - target)) {
      ++time;
    }
    // Leave room for the steps still to come: times are distinct.
    times.push_back(std::min(time, last - (steps - k)));
  }
  return times;
}

Plan MultistepPlan(const Schedule& schedule, const std::vector<int>& times) {
  Plan plan;
  double previous_h = 0;
  for (size_t k = 0; k + 1 < times.size(); ++k) {
    const double h = schedule.Lambda(times[k + 1]) - schedule.Lambda(times[k]);
    const double alpha_to = std::sqrt(schedule.alpha_bar(times[k + 1]));
    const double sigma_to = std::sqrt(1.0 - schedule.alpha_bar(times[k + 1]));
    const double sigma_from = std::sqrt(1.0 - schedule.alpha_bar(times[k]));
    const double gain = -alpha_to * std::expm1(-h);
    // Extrapolation of x0 to the middle of the step, linear in lambda.
    const double slope = k == 0 ? 0.0 : h / (2.0 * previous_h);
    SolverStep step;
    step.time = times[k];
    step.x_coefficient = sigma_to / sigma_from;
    step.x0_coefficient = gain * (1.0 + slope);
    step.previous_coefficient = -gain * slope;
    plan.push_back(step);
    previous_h = h;
  }
  return plan;
}

}  // namespace

absl::StatusOr<Solver> ParseSolver(const std::string& name) {
  if (name == "ddim") return Solver::kDdim;
  if (name == "dpmpp2m") return Solver::kDpmSolverPp2m;
  return absl::InvalidArgumentError(
      absl::StrCat("solver: found '", name, "', expected ddim or dpmpp2m"));
}

const char* SolverName(Solver solver) { return solver == Solver::kDdim ? "ddim" : "dpmpp2m"; }

int DefaultSteps(Solver solver) { return solver == Solver::kDdim ? 50 : 10; }

absl::Status CheckEta(Solver solver, double eta) {
  // Written so that NaN fails.
  if (!(eta >= 0 && eta <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat("eta: found ", eta, ", expected 0 to 1"));
  }
  if (eta > 0 && solver != Solver::kDdim) {
    return absl::InvalidArgumentError(absl::StrCat("eta: found ", eta, " with ", SolverName(solver),
                                                   ", expected 0; ddim alone draws noise"));
  }
  return absl::OkStatus();
}

absl::StatusOr<BridgePlan> MakeBridgePlan(const Schedule& schedule, Solver solver, int steps,
                                          double eta) {
  const absl::Status noise = CheckEta(solver, eta);
  if (!noise.ok()) return noise;
  const int most = solver == Solver::kDdim ? schedule.steps() : schedule.steps() - 1;
  if (steps < 1 || steps > most) {
    return absl::InvalidArgumentError(
        absl::StrCat("solver_steps: found ", steps, ", expected 1 to ", most));
  }
  if (solver == Solver::kDdim) return DdimPlan(schedule, steps, eta);
  std::vector<int> times = LogSnrTimes(schedule, steps);
  BridgePlan plan;
  plan.invert = MultistepPlan(schedule, times);
  std::reverse(times.begin(), times.end());
  plan.decode = MultistepPlan(schedule, times);
  return plan;
}

}  // namespace unlasting::diffusion
