// A JobRequest is the work of one Predict call, as a scheduler takes it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/predict/job/job.h"
#include "server/scheduling/batching_policy.h"

namespace unlasting::server {

struct JobRequest {
  std::shared_ptr<const predict::ControlSet> controls;
  std::vector<std::shared_ptr<const predict::Perturbation>> perturbations;
  predict::PredictOptions options;
  std::string client;  // whose share of the queue and of the steps the job uses
  JobPriority priority = JobPriority::kInteractive;
  absl::Time deadline = absl::InfiniteFuture();  // by the scheduler's clock
};

}  // namespace unlasting::server
