// The training loop of one network: batches, noise, AdamW, moving average, checkpoints.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/schedule.h"
#include "core/model/network.h"
#include "nlohmann/json.hpp"
#include "trainer/config.pb.h"
#include "trainer/training_data.h"

namespace unlasting::trainer {

struct TrainingTask {
  model::NetworkKind kind = model::NetworkKind::kDenoiser;
  const TrainConfig* config = nullptr;
  const TrainingData* data = nullptr;
  const diffusion::Schedule* schedule = nullptr;
  int64_t steps = 0;
  std::string checkpoint_path;  // written every checkpoint_minutes and on interruption
  bool resume = false;          // go on from checkpoint_path where it exists
  // A line of training.jsonl.
  std::function<void(const nlohmann::json&)> log;
  std::function<void(int64_t step, int64_t steps, double loss)> progress;
  // Set by a signal handler: the loop stops at the next step, after a checkpoint.
  const std::atomic<bool>* interrupted = nullptr;
};

// Trains `network` in place and leaves the moving average of the weights in it. Everything random
// is a function of (seed, step), so a resumed run computes what an uninterrupted one computes, to
// float32 rounding.
// CANCELLED after an interruption; DATA_LOSS where a checkpoint cannot be read; INTERNAL with the
// step where a loss is not finite.
absl::Status Train(const TrainingTask& task, model::Network* network);

// Statistics in model units that the networks carry (core/model/network.h).
model::NetworkStatistics StatisticsOf(const TrainingData& data, const network::Graph& graph,
                                      const TrainConfig& config);

// Mean and standard deviation of the latents of training control cells: near 0 and 1 when inversion
// works, the first sign of trouble when not.
struct LatentStatistics {
  double mean = 0;
  double deviation = 0;
};
absl::StatusOr<LatentStatistics> MeasureLatents(const TrainingTask& task,
                                                const model::Network& network, int64_t cells);

}  // namespace unlasting::trainer
