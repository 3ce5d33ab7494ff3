// Trajectory carries one cell through one half of the bridge for all the jobs that wait for its
// end: from the control cell to its latent, or from the latent to the cell under a perturbation.
// It is shared by these jobs, any of which may hand the row to a step, and is used on the thread
// that steps the engine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/base/matrix.h"
#include "core/diffusion/solver.h"
#include "core/predict/engine/engine.h"
#include "core/predict/job/in_flight_trajectories.h"

namespace unlasting::predict {

// Stands for the trajectory to the latent in place of a perturbation's index.
inline constexpr int kInversion = -1;

// TrajectoryWaiter is told how a trajectory fares that it waits for: a job, to its trajectories. It
// takes itself off the trajectory's waiters before it is destroyed.
class TrajectoryWaiter {
 public:
  virtual ~TrajectoryWaiter() = default;

  // The trajectory has advanced by one step.
  virtual void OnStep() = 0;
  // The trajectory is at its end; `cell` and `perturbation_index` are as in Trajectory::Waiter.
  virtual void OnTrajectoryFinished(int cell, int perturbation_index,
                                    const std::shared_ptr<Trajectory>& trajectory) = 0;
  // The trajectory never finishes, because the job that handed it to a step did not return it.
  virtual void OnTrajectoryLost(Trajectory* trajectory, const absl::Status& why) = 0;
};

struct Trajectory : public Row {
  struct Waiter {
    TrajectoryWaiter* job = nullptr;
    int cell = 0;  // index in that job
    int perturbation_index = kInversion;
  };

  ~Trajectory() {
    if (in_flight != nullptr) in_flight->Remove(key);
  }

  // Finished, and its `x` not collected from the engine: it tells its waiters when it is returned.
  bool on_its_way() const { return finished() && taken_by != nullptr; }

  // "" and null where no other job can need this trajectory.
  std::string key;
  InFlightTrajectories* in_flight = nullptr;
  std::vector<Waiter> waiters;
  const TrajectoryWaiter* taken_by = nullptr;  // the job that has handed the row out to a step

  // The row points into these; the job that began it may be destroyed before it is finished.
  std::shared_ptr<const diffusion::BridgePlan> kept_plan;
  std::shared_ptr<const DenseMatrix> kept_controls;
  std::shared_ptr<const model::NewContext> kept_context;
  std::shared_ptr<const Perturbation> kept_perturbation;
};

}  // namespace unlasting::predict
