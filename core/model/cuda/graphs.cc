#include "core/model/cuda/graphs.h"

namespace unlasting::model::cuda {

Graphs::~Graphs() {
  for (const auto& [key, graph] : graphs_) cudaGraphExecDestroy(graph);
}

void Graphs::Capture(int64_t key, const std::function<void()>& work) {
  work();
  Check(cudaStreamSynchronize(stream_), "first run");
  Check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "capture");
  cudaGraph_t graph = nullptr;
  try {
    work();
  } catch (...) {
    // The stream is of no use while it captures.
    cudaStreamEndCapture(stream_, &graph);
    if (graph != nullptr) cudaGraphDestroy(graph);
    throw;
  }
  Check(cudaStreamEndCapture(stream_, &graph), "capture");
  cudaGraphExec_t ready = nullptr;
  const cudaError_t status = cudaGraphInstantiate(&ready, graph, 0);
  cudaGraphDestroy(graph);
  Check(status, "graph");
  graphs_[key] = ready;
}

void Graphs::Launch(int64_t key) const {
  Check(cudaGraphLaunch(graphs_.at(key), stream_), "graph launch");
}

}  // namespace unlasting::model::cuda
