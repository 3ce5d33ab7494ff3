// graphs.h captures work once as a CUDA graph and replays it, with one launch instead of tens.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>
#include <map>

#include "core/model/cuda/runtime.h"

namespace unlasting::model::cuda {

class Graphs {
 public:
  explicit Graphs(const Context& context) : stream_(context.stream()) {}
  ~Graphs();
  Graphs(const Graphs&) = delete;
  Graphs& operator=(const Graphs&) = delete;

  bool Has(int64_t key) const { return graphs_.count(key) > 0; }
  // Runs `work` twice: at once, so that whatever is loaded on first use is there, then into the
  // graph. What it works on must bear that.
  void Capture(int64_t key, const std::function<void()>& work);
  void Launch(int64_t key) const;

 private:
  cudaStream_t stream_;
  std::map<int64_t, cudaGraphExec_t> graphs_;
};

}  // namespace unlasting::model::cuda
