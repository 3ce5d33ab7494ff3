#include <cstdlib>
#include <deque>
#include <memory>
#include <vector>

#include "cublas_v2.h"

struct HostGraph {
  std::vector<std::function<void()>> work;
};
struct HostEvent {
  int64_t sent = 0;  // copies to the host before it
};

namespace {

std::unique_ptr<HostGraph> capture;

// A copy to the host's memory that nobody has waited for.
struct Arriving {
  void* to;
  std::vector<char> bytes;
};
std::deque<Arriving> arriving;
int64_t sent = 0;  // copies to the host so far

// The first `count` of all copies to the host are there.
void Arrive(int64_t count) {
  for (int64_t left = count - (sent - static_cast<int64_t>(arriving.size())); left > 0; --left) {
    std::memcpy(arriving.front().to, arriving.front().bytes.data(), arriving.front().bytes.size());
    arriving.pop_front();
  }
}

float Value(const void* data, cudaDataType_t type, int64_t at) {
  if (type == CUDA_R_32F) return static_cast<const float*>(data)[at];
  return __uint_as_float(static_cast<unsigned>(static_cast<const uint16_t*>(data)[at]) << 16);
}

// As the units of CUBLAS_COMPUTE_32F_FAST_TF32 take it: ten bits behind the point, ties to even.
float ToTf32(float value) {
  const unsigned bits = __float_as_uint(value);
  if (value != value || value - value != 0) return value;
  return __uint_as_float((bits + 0xfffu + ((bits >> 13) & 1u)) & ~0x1fffu);
}

void SetValue(void* data, cudaDataType_t type, int64_t at, float value) {
  if (type == CUDA_R_32F) {
    static_cast<float*>(data)[at] = value;
    return;
  }
  const unsigned bits = __float_as_uint(value);
  static_cast<uint16_t*>(data)[at] =
      static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

cudaError_t Allocate(void** data, size_t bytes) {
  *data = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (*data == nullptr) return cudaErrorMemoryAllocation;
  // Not zeros: who counts on them must have asked for them.
  std::memset(*data, 0xff, bytes);
  return cudaSuccess;
}

}  // namespace

namespace unlasting::model::host_cuda {

void Do(std::function<void()> work) {
  if (capture != nullptr) {
    capture->work.push_back(std::move(work));
  } else {
    work();
  }
}

}  // namespace unlasting::model::host_cuda

using unlasting::model::host_cuda::Do;

const char* cudaGetErrorString(cudaError_t) { return "host_cuda"; }
cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaMalloc(void** data, size_t bytes) {
  return capture == nullptr ? Allocate(data, bytes) : cudaErrorInvalidValue;
}
cudaError_t cudaMallocHost(void** data, size_t bytes) { return cudaMalloc(data, bytes); }
cudaError_t cudaFree(void* data) {
  std::free(data);
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* data) { return cudaFree(data); }
cudaError_t cudaMemset(void* data, int value, size_t bytes) {
  std::memset(data, value, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t) {
  if (kind == cudaMemcpyHostToDevice) {
    Do([=] { std::memcpy(to, from, bytes); });
    return cudaSuccess;
  }
  const auto* data = static_cast<const char*>(from);
  arriving.push_back({to, {data, data + bytes}});
  ++sent;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) {
  Arrive(sent);
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new HostEvent();
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  event->sent = sent;
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  Arrive(event->sent);
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
  if (capture != nullptr) return cudaErrorInvalidValue;
  capture = std::make_unique<HostGraph>();
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  *graph = capture.release();
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* ready, cudaGraph_t graph, unsigned long long) {
  *ready = new HostGraph(*graph);
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) { return cudaGraphDestroy(graph); }
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t) {
  for (const auto& work : graph->work) work();
  return cudaSuccess;
}

cublasStatus_t cublasGemmEx(cublasHandle_t, cublasOperation_t, cublasOperation_t, int m, int n,
                            int k, const void* alpha, const void* a, cudaDataType_t type,
                            int a_stride, const void* b, cudaDataType_t, int b_stride,
                            const void* beta, void* c, cudaDataType_t, int c_stride,
                            cublasComputeType_t compute, cublasGemmAlgo_t) {
  if (a_stride < m || b_stride < k || c_stride < m) return CUBLAS_STATUS_INVALID_VALUE;
  const float scale = *static_cast<const float*>(alpha), keep = *static_cast<const float*>(beta);
  Do([=] {
    for (int64_t column = 0; column < n; ++column) {
      for (int64_t row = 0; row < m; ++row) {
        double sum = 0;
        for (int64_t d = 0; d < k; ++d) {
          float x = Value(a, type, d * a_stride + row);
          float y = Value(b, type, column * b_stride + d);
          if (compute == CUBLAS_COMPUTE_32F_FAST_TF32) {
            x = ToTf32(x);
            y = ToTf32(y);
          }
          sum += static_cast<double>(x) * y;
        }
        const int64_t at = column * c_stride + row;
        const double before = keep == 0.0f ? 0.0 : keep * Value(c, type, at);
        SetValue(c, type, at, static_cast<float>(scale * sum + before));
      }
    }
  });
  return CUBLAS_STATUS_SUCCESS;
}
