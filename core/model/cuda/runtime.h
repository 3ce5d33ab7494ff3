// runtime.h wraps what the CUDA code needs of the driver: a device, a stream, and memory that frees
// itself.
//
// Everything here throws std::runtime_error; the engine turns that into a status at its door.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace unlasting::model::cuda {

// Throws "cuda: <what>: <the driver's words>" unless the call succeeded.
void Check(cudaError_t status, const char* what);

// 0 where there is no device or no driver.
int DeviceCount();

// Device memory, filled with zeros. Made and filled outside of captures.
template <typename T>
class DeviceArray {
 public:
  DeviceArray() = default;
  explicit DeviceArray(int64_t count) : count_(count) {
    if (count == 0) return;
    Check(cudaMalloc(reinterpret_cast<void**>(&data_), Bytes()), "allocation");
    Check(cudaMemset(data_, 0, Bytes()), "clearing");
    // The streams in use do not wait for the default one, in which this ran.
    Check(cudaStreamSynchronize(nullptr), "clearing");
  }
  template <typename Vector>
  static DeviceArray From(const Vector& values) {
    DeviceArray array(static_cast<int64_t>(values.size()));
    if (values.empty()) return array;
    Check(cudaMemcpy(array.data_, values.data(), array.Bytes(), cudaMemcpyHostToDevice), "upload");
    Check(cudaStreamSynchronize(nullptr), "upload");
    return array;
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(DeviceArray&& other) noexcept { *this = std::move(other); }
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }

  T* data() const { return data_; }
  int64_t size() const { return count_; }

 private:
  size_t Bytes() const { return static_cast<size_t>(count_) * sizeof(T); }

  T* data_ = nullptr;
  int64_t count_ = 0;
};

// Host memory that the device copies from and to by itself.
template <typename T>
class PinnedArray {
 public:
  explicit PinnedArray(int64_t count = 0) : count_(count) {
    if (count == 0) return;
    Check(cudaMallocHost(reinterpret_cast<void**>(&data_), count * sizeof(T)), "pinned memory");
  }
  ~PinnedArray() { cudaFreeHost(data_); }
  PinnedArray(PinnedArray&& other) noexcept { *this = std::move(other); }
  PinnedArray& operator=(PinnedArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }

  T* data() const { return data_; }
  int64_t size() const { return count_; }

 private:
  T* data_ = nullptr;
  int64_t count_ = 0;
};

// A device and the one stream in which networks and cells that belong together do their work: what
// is put in later sees what was put in before, and other contexts' work goes on beside it. One
// thread at a time.
class Context {
 public:
  // kFirst: its work is begun before that of other contexts which waits for room on the device.
  enum class Turn { kUsual, kFirst };

  // `device` < DeviceCount().
  explicit Context(int device, Turn turn = Turn::kUsual);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Makes the device the calling thread's own.
  void Use() const;
  int device() const { return device_; }
  // Of the device, by whomever. Any thread.
  int64_t BytesInUse() const;
  cudaStream_t stream() const { return stream_; }
  void Wait() const;

 private:
  int device_;
  cudaStream_t stream_ = nullptr;
};

// A point in a stream that the host can wait for.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void Record(cudaStream_t stream);
  void Wait() const;  // returns at once if nothing was recorded

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace unlasting::model::cuda
