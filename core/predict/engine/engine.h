// Many cells at many steps at once: one evaluation of the denoiser advances any mix of rows, of
// either direction, any time, cell type, perturbation and solver.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/aligned.h"
#include "core/bundle/bundle.h"
#include "core/diffusion/solver.h"
#include "core/predict/engine/content_cache.h"
#include "core/predict/query/query.h"

namespace unlasting::predict {

// One cell on its way through one half of the bridge. `x` holds model units (log1p / x_max).
// Owned by a Job; advanced only by Engine::Step.
struct Row {
  const diffusion::Plan* plan = nullptr;
  int step = 0;  // next entry of the plan; == plan->size() when finished
  int32_t cell_type = 0;
  // Null while inverting with the source model; set while decoding with the target model.
  const Perturbation* perturbation = nullptr;
  const float* control = nullptr;  // [N] model units; null for the source model
  std::vector<float> x;            // [N]
  std::vector<float> previous_x0;  // [N]; empty before the first step
  uint64_t noise_key = 0;          // of plans that draw noise (core/base/counter_rng.h)
  // [N']: the GRN block's part where it does not change along the path; empty before the first
  // step. The fused engine's.
  model::cpu::AlignedVector<float> gene_readout;
  // Where the row is between its steps if not here. An engine that sets it leaves `x` alone until
  // the row has finished, and lets it go then.
  std::shared_ptr<void> device;

  bool finished() const { return step == static_cast<int>(plan->size()); }
};

struct EngineOptions {
  std::string device = "cpu";  // "auto", "cpu", "cuda", "cuda:1"
  int threads = 2;             // of one evaluation, on CPU
  int64_t max_batch = 64;      // rows of one evaluation; more rows are split
  // fused: the bundle's weights through core/model/cpu on CPU and core/model/cuda on CUDA; a
  // build without the latter takes torchscript there.
  // torchscript: the networks as the files hold them.
  std::string evaluator = "fused";
  int64_t latent_cache_bytes = int64_t{256} << 20;  // 0: latents are not kept
  int64_t threshold_cache_bytes = int64_t{32} << 20;
};

// A row's result does not depend on which rows share its steps: with the fused evaluator to the
// bit on CPU and, on CUDA, to the bit within batches of one padded size (cuda_network.h); with
// torchscript up to float32 rounding in the dense products. One thread at a time may call
// Step and MaskProbability; different engines are independent.
class Engine {
 public:
  static absl::StatusOr<std::unique_ptr<Engine>> Create(
      std::shared_ptr<const bundle::Bundle> bundle, const EngineOptions& options);
  virtual ~Engine() = default;

  virtual const bundle::Bundle& bundle() const = 0;
  virtual const EngineOptions& options() const = 0;
  // Every row moves by one entry of its plan. INTERNAL where LibTorch fails; rows are then spoilt.
  virtual absl::Status Step(absl::Span<Row* const> rows) = 0;
  // Appendix A.2: the probability that each gene is active, [cells, N], for controls in model
  // units.
  virtual absl::StatusOr<DenseMatrix> MaskProbability(const DenseMatrix& controls,
                                                      absl::Span<const int32_t> cell_type,
                                                      const Perturbation& perturbation) = 0;
  // Latents of control cells already inverted; null where an engine keeps none. Thread-safe.
  virtual ContentCache* latents() { return nullptr; }
  // Thresholds of the rank mask, [N], that the panel of a cell type lends under a perturbation.
  virtual ContentCache* thresholds() { return nullptr; }
  // Of a device that is not the CPU: its name and the bytes in use on it. Thread-safe.
  struct DeviceMemory {
    std::string device;
    int64_t bytes = 0;
  };
  virtual std::optional<DeviceMemory> device_memory() const { return std::nullopt; }
};

}  // namespace unlasting::predict
