// The training loop of one network: batches, noise, AdamW, moving average, checkpoints.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/schedule.h"
#include "core/model/torch/network.h"
#include "nlohmann/json.hpp"
#include "trainer/data/training_data.h"
#include "trainer/ranks/rank_group.h"
#include "trainer/settings/config.pb.h"

namespace unlasting::trainer {

struct TrainingTask {
  model::NetworkKind kind = model::NetworkKind::kDenoiser;
  const TrainConfig* config = nullptr;
  const TrainingData* data = nullptr;
  const diffusion::Schedule* schedule = nullptr;
  int64_t steps = 0;
  std::string checkpoint_path;  // written every checkpoint_minutes and on interruption
  bool resume = false;          // go on from checkpoint_path where it exists
  RankGroup* ranks = nullptr;   // null: this process alone
  // With several ranks, what follows is called on rank 0 only, and only it reads and writes
  // checkpoints. A line of training.jsonl.
  std::function<void(const nlohmann::json&)> log;
  std::function<void(int64_t step, int64_t steps, double loss)> progress;
  // With `resume`: goes on from this step, 0 where there was no checkpoint yet.
  std::function<void(int64_t step)> resumed;
  // Early, as the held-out cells are met no better; their least distance.
  std::function<void(int64_t step, double distance)> stopped;
  // Set by a signal handler, on any rank: all stop at the next step, after a checkpoint.
  const std::atomic<bool>* interrupted = nullptr;
};

// Trains `network` in place and leaves the moving average of the weights in it: with
// validation_fraction, as it was when the held-out cells were met best. Everything random is a
// function of (seed, step), so a resumed run computes what an uninterrupted one computes, and
// several ranks what one does, to float32 rounding.
// CANCELLED after an interruption; DATA_LOSS where a checkpoint cannot be read; INTERNAL with the
// step where a loss is not finite; UNAVAILABLE, after a checkpoint, where a rank was lost. The
// message is empty on ranks that leave the word to rank 0.
absl::Status Train(const TrainingTask& task, model::Network* network);

// Statistics in model units that the networks carry (core/model/torch/network.h).
model::NetworkStatistics StatisticsOf(const TrainingData& data, const grn::Graph& graph,
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
