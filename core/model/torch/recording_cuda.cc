#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "core/model/torch/recording.h"

namespace unlasting::model {
namespace {

// Before recording: cuBLAS makes its handles and workspaces when they are first wanted.
constexpr int kRehearsals = 2;

class CudaRecording : public Recording {
 public:
  CudaRecording(torch::Device device, decltype(at::cuda::graph_pool_handle()) memory,
                const std::function<void()>& work) {
    const c10::cuda::CUDAGuard on_device(device);
    // The default stream cannot be recorded.
    const auto stream = c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index());
    // The work reads what was enqueued before.
    c10::cuda::getCurrentCUDAStream(device.index()).synchronize();
    const c10::cuda::CUDAStreamGuard in_stream(stream);
    for (int k = 0; k < kRehearsals; ++k) work();
    stream.synchronize();
    // Other threads go on: the next batch is put into pinned memory meanwhile.
    graph_.capture_begin(memory, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      EndQuietly();
      throw;
    }
    graph_.capture_end();
  }

  void Replay() override { graph_.replay(); }

 private:
  // Of a recording that failed, whose own error is the one to be told.
  void EndQuietly() {
    try {
      graph_.capture_end();
    } catch (const std::exception&) {
    }
  }

  at::cuda::CUDAGraph graph_;
};

}  // namespace

Recorder CudaRecorder(torch::Device device) {
  return [device, memory = at::cuda::graph_pool_handle()](const std::function<void()>& work) {
    return std::make_unique<CudaRecording>(device, memory, work);
  };
}

}  // namespace unlasting::model
