#include "core/predict/engine/engine.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/counter_rng.h"
#include "core/predict/engine/engines.h"

namespace unlasting::predict {
namespace {

#if defined(UNLASTING_CUDA)
constexpr bool kCudaBuild = true;
#else
constexpr bool kCudaBuild = false;
#endif

absl::StatusOr<std::unique_ptr<Engine>> MakeEvaluatorsOwn(
    std::shared_ptr<const bundle::Bundle> bundle, const EngineOptions& options) {
#if defined(UNLASTING_CUDA)
  const bool cuda = options.device == "cuda" || absl::StartsWith(options.device, "cuda:") ||
                    (options.device == "auto" && CudaEngineIsThere());
  if (cuda) return MakeCudaEngine(std::move(bundle), options);
#endif
  const bool cpu =
      options.device == "cpu" || (options.device == "auto" && (kCudaBuild || !CudaIsThere()));
  if (cpu) return MakeCpuEngine(std::move(bundle), options);
  return MakeTorchEngine(std::move(bundle), options);
}

}  // namespace

void AdvanceRow(absl::Span<const float> x0, Row* row) {
  const diffusion::SolverStep& step = (*row->plan)[row->step];
  if (row->previous_x0.empty()) row->previous_x0.assign(x0.size(), 0.0f);
  float* x = row->x.data();
  float* previous = row->previous_x0.data();
  for (size_t g = 0; g < x0.size(); ++g) {
    x[g] = static_cast<float>(step.x_coefficient * x[g] + step.x0_coefficient * x0[g] +
                              step.previous_coefficient * previous[g]);
    previous[g] = x0[g];
  }
  if (step.noise_coefficient > 0) {
    const uint64_t key = diffusion::StepKey(row->noise_key, row->step);
    for (size_t g = 0; g < x0.size(); ++g) {
      x[g] = static_cast<float>(x[g] + step.noise_coefficient * diffusion::StandardNormal(key, g));
    }
  }
  ++row->step;
}

absl::StatusOr<std::unique_ptr<Engine>> Engine::Create(std::shared_ptr<const bundle::Bundle> bundle,
                                                       const EngineOptions& options) {
  if (options.threads < 1 || options.max_batch < 1) {
    return absl::InvalidArgumentError("engine: threads and max_batch: expected 1 or more");
  }
  if (options.latent_cache_bytes < 0) {
    return absl::InvalidArgumentError("engine: latent_cache_bytes: expected 0 or more");
  }
  if (options.evaluator == "fused") return MakeEvaluatorsOwn(std::move(bundle), options);
  if (options.evaluator == "torchscript") return MakeTorchEngine(std::move(bundle), options);
  return absl::InvalidArgumentError(absl::StrCat("engine: evaluator: found '", options.evaluator,
                                                 "', expected fused or torchscript"));
}

}  // namespace unlasting::predict
