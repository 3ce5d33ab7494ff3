#include "core/model/cuda/runtime.h"

#include <stdexcept>
#include <string>

namespace unlasting::model::cuda {

void Check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // an error that was reported is not reported again
  throw std::runtime_error(std::string("cuda: ") + what + ": " + cudaGetErrorString(status));
}

int DeviceCount() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  cudaGetLastError();
  return 0;
}

Context::Context(int device, Turn turn) : device_(device) {
  Use();
  int last = 0, first = 0;
  Check(cudaDeviceGetStreamPriorityRange(&last, &first), "stream");
  Check(cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking,
                                     turn == Turn::kFirst ? first : last),
        "stream");
}

Context::~Context() {
  cudaSetDevice(device_);
  cudaStreamSynchronize(stream_);
  cudaStreamDestroy(stream_);
}

void Context::Use() const { Check(cudaSetDevice(device_), "device"); }

int64_t Context::BytesInUse() const {
  Use();
  size_t free = 0, total = 0;
  Check(cudaMemGetInfo(&free, &total), "memory in use");
  return static_cast<int64_t>(total - free);
}

void Context::Wait() const { Check(cudaStreamSynchronize(stream_), "evaluation"); }

Event::Event() { Check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "event"); }

Event::~Event() { cudaEventDestroy(event_); }

void Event::Record(cudaStream_t stream) { Check(cudaEventRecord(event_, stream), "event"); }

void Event::Wait() const { Check(cudaEventSynchronize(event_), "event"); }

}  // namespace unlasting::model::cuda
