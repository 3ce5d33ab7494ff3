// RecordedSteps has a device do a step's loss and gradients as one recording, for each form that
// batches have. Included only by files that use LibTorch.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/model/torch/recording.h"
#include "trainer/training/batch_maker.h"

namespace unlasting::trainer {

// What a step computes on its device.
struct StepResult {
  torch::Tensor loss;                    // []
  std::vector<torch::Tensor> gradients;  // undefined for weights that the batch does not use
  // Of the denoiser's cells, control and perturbed: [R, 2] and [R].
  struct TimedLosses {
    torch::Tensor losses, times;
  };
  std::vector<TimedLosses> timed;
};

class RecordedSteps {
 public:
  // Computes from rows on the device, which are some of a batch's `total`; waits for nothing.
  using Compute = std::function<StepResult(const std::vector<BatchRows>& rows, int64_t total)>;

  RecordedSteps(torch::Device device, model::Recorder record)
      : device_(device), record_(std::move(record)) {}

  // The result is to be copied before the next call. The first call of a form records what
  // `compute` does, and later ones do the same on their own rows: `compute` is to be the same.
  // Forms beyond the first few are computed as they come.
  StepResult Run(const std::vector<BatchRows>& rows, int64_t total, const Compute& compute);

  size_t recordings() const { return steps_.size(); }

 private:
  struct Step {
    std::vector<BatchRows> rows;  // on the device: what the recording reads
    StepResult result;
    std::unique_ptr<model::Recording> recording;
  };

  torch::Device device_;
  model::Recorder record_;
  std::map<std::string, std::unique_ptr<Step>> steps_;  // by form
};

}  // namespace unlasting::trainer
