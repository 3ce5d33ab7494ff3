// solver.h plans the ODE solvers of the bridge (eq 14), each as a list of linear updates.
//
// Every solver here is, step by step,
//   x <- x_coefficient * x + x0_coefficient * x0 + previous_coefficient * previous_x0
//        + noise_coefficient * standard normal noise
// where x0 is the denoiser's prediction at `time` and previous_x0 the one of the step before. A row
// of a batch therefore needs no more than its plan and its position in it, and rows of any solver,
// direction and step may share a batch.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/schedule.h"

namespace unlasting::diffusion {

enum class Solver {
  kDdim,           // eq 3 on uniform times: the paper's
  kDpmSolverPp2m,  // DPM-Solver++ 2M (data prediction), integer times dense where x0 is decided
};

// "ddim", "dpmpp2m"; INVALID_ARGUMENT lists both.
absl::StatusOr<Solver> ParseSolver(const std::string& name);
const char* SolverName(Solver solver);
// 50 for ddim, 10 for dpmpp2m.
int DefaultSteps(Solver solver);

struct SolverStep {
  int time = 0;  // where the denoiser is evaluated
  double x_coefficient = 0;
  double x0_coefficient = 0;
  double previous_coefficient = 0;  // 0 at the first step
  double noise_coefficient = 0;     // 0 but for decoding with eta above 0
};
using Plan = std::vector<SolverStep>;

// The two halves of eq 14. `invert` takes a clean profile (at time 0) to the latent, `decode` a
// latent back to a clean profile. Both cost `steps` evaluations.
struct BridgePlan {
  Plan invert;
  Plan decode;
};

// INVALID_ARGUMENT unless eta is 0, or within 0 to 1 with ddim.
absl::Status CheckEta(Solver solver, double eta);

// `eta` is the share of the reverse process's own noise that ddim's decoding steps draw: with
// eta = 0 the plan is deterministic, with 1 it is ancestral sampling (DDPM's posterior variance).
// Eq 3 has that noise's deviation itself for eta. Inversion is deterministic always.
// INVALID_ARGUMENT unless 1 <= steps <= schedule.steps(), and as CheckEta.
absl::StatusOr<BridgePlan> MakeBridgePlan(const Schedule& schedule, Solver solver, int steps,
                                          double eta = 0);

}  // namespace unlasting::diffusion
