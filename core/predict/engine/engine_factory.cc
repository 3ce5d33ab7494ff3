#include "core/predict/engine/engine_factory.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/predict/engine/cpu_engine.h"
#if defined(UNLASTING_CUDA)
#include "core/predict/engine/cuda_engine.h"
#endif

namespace unlasting::predict {
namespace {

bool NamesCuda(const std::string& device) {
  return device == "cuda" || absl::StartsWith(device, "cuda:");
}

}  // namespace

absl::StatusOr<std::string> Float32Alone(const std::string& precision, const std::string& where) {
  if (precision == "auto" || precision == "float32") return "float32";
  return absl::InvalidArgumentError(absl::StrCat(
      "precision: found '", precision, "', expected auto or float32: ", where,
      " computes in float32; tf32 and bf16 need the fused evaluator on a CUDA device"));
}

absl::StatusOr<std::unique_ptr<Engine>> CreateEngine(std::shared_ptr<const bundle::Bundle> bundle,
                                                     const EngineOptions& options) {
  if (options.threads < 1 || options.max_batch < 1) {
    return absl::InvalidArgumentError("engine: threads and max_batch: expected 1 or more");
  }
  if (options.latent_cache_bytes < 0) {
    return absl::InvalidArgumentError("engine: latent_cache_bytes: expected 0 or more");
  }
  if (options.threshold_cache_bytes < 0) {
    return absl::InvalidArgumentError("engine: threshold_cache_bytes: expected 0 or more");
  }
#if defined(UNLASTING_CUDA)
  if (NamesCuda(options.device) || (options.device == "auto" && CudaDeviceIsThere())) {
    return MakeCudaEngine(std::move(bundle), options);
  }
#else
  if (NamesCuda(options.device)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "device: found '", options.device,
        "', but this build has no CUDA engine; use cpu, or build with -DUNLASTING_CUDA=ON"));
  }
#endif
  if (options.device == "cpu" || options.device == "auto") {
    EngineOptions cpu_options = options;
    UNLASTING_ASSIGN_OR_RETURN(cpu_options.precision, Float32Alone(options.precision, "the CPU"));
    return MakeCpuEngine(std::move(bundle), cpu_options);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("device: found '", options.device, "', expected auto, cpu or cuda[:index]"));
}

}  // namespace unlasting::predict
