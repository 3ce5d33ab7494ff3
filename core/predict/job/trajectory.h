// Trajectory carries one cell through one half of the bridge for all the jobs that wait for its
// end: from the control cell to its latent, or from the latent to the cell under a perturbation.
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

// Stands for the trajectory to the latent in place of a perturbation's index.
inline constexpr int kInversion = -1;

// Shared by the jobs that wait for it, any of which may hand the row to a step. Used on the thread
// that steps the engine.
struct Trajectory : public Row {
  struct Waiter {
    Job::State* job = nullptr;
    int cell = 0;  // index in that job
    int perturbation_index = kInversion;
  };

  ~Trajectory() {
    if (in_flight != nullptr) in_flight->Remove(key);
  }

  // "" and null where no other job can need this trajectory.
  std::string key;
  InFlightTrajectories* in_flight = nullptr;
  std::vector<Waiter> waiters;
  Job::State* taken_by = nullptr;  // the job that has handed the row out to a step

  // The row points into these; the job that began it may be destroyed before it is finished.
  std::shared_ptr<const diffusion::BridgePlan> kept_plan;
  std::shared_ptr<const DenseMatrix> kept_controls;
  std::shared_ptr<const Perturbation> kept_perturbation;
};

}  // namespace unlasting::predict
