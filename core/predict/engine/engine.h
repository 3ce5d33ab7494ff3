// Engine advances many cells along many trajectories at once: one evaluation of the denoiser takes
// any mix of rows, of either direction, any time, cell type, perturbation and solver.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/bundle/bundle.h"
#include "core/diffusion/solver.h"
#include "core/model/spec/new_context.h"
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
  // Of a cell type that training never saw; `cell_type` is then the nearest one of the training's.
  const model::NewContext* context = nullptr;
  const float* control = nullptr;  // [N] model units; null for the source model
  std::vector<float> x;            // [N]
  std::vector<float> previous_x0;  // [N]; empty before the first step
  uint64_t noise_key = 0;          // of plans that draw noise (core/base/counter_rng.h)
  // What the engine that steps the row keeps with it between steps, such as inputs that do not
  // change along the trajectory, or the cell's place on a device; made and read by that engine
  // alone. An engine may leave `x` alone until Collect has returned for the finished row.
  std::shared_ptr<void> engine_state;

  bool finished() const { return step == static_cast<int>(plan->size()); }
};

struct EngineOptions {
  std::string device = "cpu";  // "auto", "cpu", "cuda", "cuda:1"
  // Of the products of an evaluation: "float32", "tf32", "bf16", or "auto", which an engine's
  // options() no longer say: the CPU and LibTorch have float32 alone, CUDA
  // (core/model/cuda/arguments.h) any.
  std::string precision = "auto";
  int threads = 2;                                  // of one evaluation, on CPU
  int64_t max_batch = 64;                           // rows of one evaluation; more rows are split
  int64_t latent_cache_bytes = int64_t{256} << 20;  // 0: latents are not kept
  int64_t threshold_cache_bytes = int64_t{32} << 20;
};

// A row's result does not depend on which rows share its steps: to the bit on CPU and, on CUDA, to
// the bit within batches of one padded size (cuda_network.h); with TorchScript up to float32
// rounding in the dense products. One thread at a time may call Step, Collect, MaskProbability
// and ExpectedMeanChange; different engines are independent. Made by CreateEngine
// (core/predict/engine/engine_factory.h).
class Engine {
 public:
  virtual ~Engine() = default;

  virtual const bundle::Bundle& bundle() const = 0;
  virtual const EngineOptions& options() const = 0;
  // Every row moves by one entry of its plan. INTERNAL where the evaluation fails; the rows are
  // then of no use.
  virtual absl::Status Step(absl::Span<Row* const> rows) = 0;
  // Whether Step returns while its work goes on: whoever calls it again before Collect has the
  // device work while the host does what comes between steps.
  virtual bool overlaps() const { return false; }
  // Waits until rows that Step finished have their `x`. INTERNAL as Step.
  virtual absl::Status Collect(absl::Span<Row* const> /*rows*/) { return absl::OkStatus(); }
  // Step, and Collect of the rows that it finished.
  absl::Status StepAndCollect(absl::Span<Row* const> rows);
  // Whether rows may have a `context`.
  virtual bool TakesNewContexts() const { return true; }
  // Appendix A.2: the probability that each gene is active, [cells, N], for controls in model
  // units; `context` as in Row, of all cells.
  virtual absl::StatusOr<DenseMatrix> MaskProbability(const DenseMatrix& controls,
                                                      absl::Span<const int32_t> cell_type,
                                                      const model::NewContext* context,
                                                      const Perturbation& perturbation) = 0;
  // What the expected mean of perturbed cells of a type adds to that of its control cells, [N],
  // model units (core/model/torch/expected_response.h); all 0 in models without expected responses.
  virtual absl::StatusOr<std::vector<float>> ExpectedMeanChange(
      int32_t cell_type, const model::NewContext* context, const Perturbation& perturbation) = 0;
  // Whether the network alone moves cells under this perturbation, so that their means are to be
  // met whatever the bundle says (ModelConfig::trained_from_control). Called as ExpectedMeanChange
  // is.
  virtual bool FromControl(int32_t /*cell_type*/, const Perturbation& /*perturbation*/) {
    return false;
  }
  // Latents of control cells already inverted; null where an engine keeps none. Thread-safe.
  virtual ContentCache* latents() { return nullptr; }
  // What the panel of a cell type lends under a perturbation: thresholds of the rank mask, [N], and
  // where means are to be met their factors, [N].
  virtual ContentCache* thresholds() { return nullptr; }
  // Of a device that is not the CPU: its name and the bytes in use on it. Thread-safe.
  struct DeviceMemory {
    std::string device;
    int64_t bytes = 0;
  };
  virtual std::optional<DeviceMemory> device_memory() const { return std::nullopt; }
};

}  // namespace unlasting::predict
