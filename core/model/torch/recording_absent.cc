// Compiled in place of recording_cuda.cc where LibTorch has no CUDA.
#include "core/model/torch/recording.h"

namespace unlasting::model {

Recorder CudaRecorder(torch::Device /*device*/) { return nullptr; }

}  // namespace unlasting::model
