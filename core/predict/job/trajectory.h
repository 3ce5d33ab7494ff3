// One cell's way through one half of the bridge, and the jobs that wait for its end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/matrix.h"
#include "core/diffusion/solver.h"
#include "core/predict/engine/engine.h"
#include "core/predict/job/in_flight_trajectories.h"
#include "core/predict/job/job.h"

namespace unlasting::predict {

// In place of a perturbation's index: the way to the latent.
inline constexpr int kInversion = -1;

// On the thread that steps the engine. Any of the jobs that wait may hand the row to a step.
struct Trajectory : public Row {
  struct Waiter {
    Job::State* job = nullptr;
    int cell = 0;  // of that job
    int perturbation_index = kInversion;
  };

  ~Trajectory() {
    if (in_flight != nullptr) in_flight->Remove(key);
  }

  // "" and null where no other job can want it.
  std::string key;
  InFlightTrajectories* in_flight = nullptr;
  std::vector<Waiter> waiters;
  Job::State* taken_by = nullptr;  // handed out to a step by this one

  // What the row points into; the job that began it may go before it ends.
  std::shared_ptr<const diffusion::BridgePlan> kept_plan;
  std::shared_ptr<const DenseMatrix> kept_controls;
  std::shared_ptr<const Perturbation> kept_perturbation;
};

}  // namespace unlasting::predict
