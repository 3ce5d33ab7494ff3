// TrainingTask is what one run of training is asked for.
#pragma once

#include <torch/torch.h>

#include <atomic>
#include <functional>
#include <string>

#include "core/diffusion/schedule.h"
#include "core/model/torch/network.h"
#include "core/model/torch/recording.h"
#include "nlohmann/json.hpp"
#include "trainer/data/training_data.h"
#include "trainer/ranks/rank_group.h"
#include "trainer/settings/config.pb.h"

namespace unlasting::trainer {

// What to train and on what. The pointers are borrowed for the call to Train. The callbacks are
// made on the calling thread; with several ranks, on rank 0 alone, which alone reads and writes
// checkpoints too. Any of them may be empty.
struct TrainingTask {
  model::NetworkKind kind = model::NetworkKind::kDenoiser;
  const TrainConfig* config = nullptr;
  const TrainingData* data = nullptr;
  const diffusion::Schedule* schedule = nullptr;
  int64_t steps = 0;
  // Where the network is while it trains; Train takes it there and back to the CPU. The network's
  // attention is AttentionOn(device).
  torch::Device device = torch::kCPU;
  // What a step's products are; scores are those of float32 products, as predictions are.
  model::Products products = model::Products::kFloat32;
  // Does a step's loss and gradients as one recording; null: one operation after the other, with
  // the same result.
  model::Recorder record;
  std::string checkpoint_path;  // written every checkpoint_minutes and on interruption
  bool resume = false;          // starts from the checkpoint at checkpoint_path where one exists
  RankGroup* ranks = nullptr;   // null: this process alone
  // Receives each line of training.jsonl.
  std::function<void(const nlohmann::json&)> log;
  // Called at the same steps as `log`, with the mean loss since the last call.
  std::function<void(int64_t step, int64_t steps, double loss)> progress;
  // Called with `resume`, before the first step: training starts at `step`, which is 0 where there
  // was no checkpoint yet.
  std::function<void(int64_t step)> resumed;
  // Called when training stops early because the validation distance stopped improving;
  // `distance` is the least one.
  std::function<void(int64_t step, double distance)> stopped;
  // Set by a signal handler, on any rank: all ranks stop after the current step, rank 0 with a
  // checkpoint.
  const std::atomic<bool>* interrupted = nullptr;
};

}  // namespace unlasting::trainer
