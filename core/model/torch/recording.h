// Recording is work on a CUDA device that was put down once, as a CUDA graph, and is done again by
// one launch, on the same memory: what hundreds of small operations cost the host is saved.
// Included only by files that use LibTorch.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>

namespace unlasting::model {

class Recording {
 public:
  virtual ~Recording() = default;
  // Does the work in the current stream, without waiting for it.
  virtual void Replay() = 0;
};

// Records what `work` asks of the device. The work is called a few times and must not wait for the
// device, nor read other memory when it is done again; its results are there after a Replay. What
// it allocates stays the recording's, and may be another recording's of the same recorder too:
// results are to be copied before the next Replay of any. Throws c10::Error where LibTorch does
// something on the way that cannot be recorded.
using Recorder = std::function<std::unique_ptr<Recording>(const std::function<void()>& work)>;

// Null where this build's LibTorch has no CUDA.
Recorder CudaRecorder(torch::Device device);

}  // namespace unlasting::model
