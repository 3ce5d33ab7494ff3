// CudaNetwork evaluates a denoiser or mask model on a CUDA device, as CpuNetwork does on the CPU.
// Its weights stay on the device, which makes whole steps of the solver without the host in
// between.
//
// Batches are filled up to 1, 2, 4, ... 256 rows, and for each of these the work is captured once
// as a CUDA graph and replayed. A row's result does not depend on which rows share its batch, nor
// on its place among them; between batches of different padded size the matrix products may be
// summed in another order, which moves a result by a rounding (of float32; TF32 and bfloat16 round
// the factors, the same everywhere). Equal calls give equal bits.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "core/model/cpu/cpu_network.h"
#include "core/model/cuda/cells.h"
#include "core/model/cuda/device_priors.h"
#include "core/model/cuda/gemm.h"
#include "core/model/cuda/graphs.h"
#include "core/model/cuda/node_bases.h"
#include "core/model/cuda/weights.h"
#include "core/model/spec/config.h"

namespace unlasting::model::cuda {

struct CudaOptions {
  Precision precision = Precision::kTf32;
  int64_t base_bytes = int64_t{256} << 20;  // of node inputs kept for (time, cell type, drug, dose)
};

// One cell's evaluation and the solver's update of it.
struct CellStep {
  Cell* cell = nullptr;
  int32_t time = 0;
  int32_t cell_type = 0;
  // As in cpu::NetworkRow. The cell's control is given less what the context's mean differs from
  // its nearest type's (ControlOf).
  const NewContext* context = nullptr;
  const std::vector<int32_t>* measured = nullptr;
  absl::Span<const int32_t> knockout;
  const cpu::Molecule<float>* molecule = nullptr;
  // x <- x_coefficient x + x0_coefficient x0 + previous_coefficient previous_x0, in double.
  double x_coefficient = 0;
  double x0_coefficient = 1;
  double previous_coefficient = 0;
  double noise_coefficient = 0;
  uint64_t noise_key = 0;  // of this step
};

// One call at a time, on one thread at a time, for all networks of a context.
class CudaNetwork {
 public:
  static constexpr int64_t kMaxRows = 256;

  // `denoiser`: else the mask model. Throws std::runtime_error.
  CudaNetwork(bool denoiser, const ModelConfig& config, const NetworkWeights<float>& arrays,
              std::shared_ptr<Context> context, const CudaOptions& options);

  // The control of a cell of a new context as a CellStep's cell has it, [N]: kernels standardise it
  // by the means of the nearest type, which are on the device.
  std::vector<float> ControlOf(const NewContext& context, const float* control);

  // Host memory in and out, as CpuNetwork::Run, in batches of up to kMaxRows; gene-wise values
  // are computed each time, and the rows' are left alone. Returns when the results are there.
  void Run(absl::Span<const cpu::NetworkRow<float>> rows);

  // Cells of NewPool() move by one step. Does not wait: CellPool::Take does.
  void Step(absl::Span<const CellStep> steps);

  std::unique_ptr<CellPool> NewPool() const;
  const ModelConfig& config() const { return config_; }
  cpu::Priors<float>& host_priors() { return priors_.host(); }

 private:
  // The rows of a batch as uploaded: DeviceRow [kMaxRows], then the knocked-out nodes.
  struct Upload {
    PinnedArray<char> pinned;
    Event passed;
  };
  enum Kind { kWhole, kDense };  // kDense: gene-wise values are there

  size_t Fitting(absl::Span<const CellStep> steps) const;
  void StepBatch(absl::Span<const CellStep> steps, Kind kind);
  DeviceRow Describe(const CellStep& step);
  DevicePrior PriorOf(const CellStep& step);
  void Enqueue(int64_t rows, Kind kind);
  void EnqueueGrn(int64_t first, int64_t rows);
  void EnqueueDense(int64_t rows);
  void EnqueuePerceptron(const PerceptronWeights& weights, const float* x, int64_t stride,
                         int64_t rows, bool accumulate, float* out, int64_t out_stride);
  void SendRows(int64_t rows, const DeviceRow* described, const std::vector<int32_t>& knockout);

  bool denoiser_;
  ModelConfig config_;
  bool preconditioned_, cell_in_grn_;
  Precision precision_;
  std::shared_ptr<Context> context_;
  DeviceWeights weights_;
  DevicePriors priors_;
  NodeBases bases_;
  Gemm gemm_;
  Graphs graphs_;
  int64_t chunk_;      // rows that pass the GRN block together
  int64_t knockouts_;  // how many a batch has memory for

  DeviceArray<char> rows_;
  std::vector<Upload> uploads_;
  int64_t next_upload_ = 0;
  std::unique_ptr<CellPool> run_pool_;
  std::vector<Cell> run_cells_;  // of Run; the last is what fills up a batch
  DeviceArray<float> state_, gene_readout_, network_output_, first_, second_;  // [kMaxRows, ...]
  DeviceArray<float> hidden_;                                                  // [chunk, N', D]
  DeviceArray<char> normalised_;  // [chunk, N', D], features
  DeviceArray<char> features_;    // [chunk, N', 2, H, D], features
  DeviceArray<float> no_base_;    // what filling rows see
  Skip skip_;
};

}  // namespace unlasting::model::cuda
