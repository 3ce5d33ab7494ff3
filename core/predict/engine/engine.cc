#include "core/predict/engine/engine.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/counter_rng.h"
#include "core/predict/engine/engines.h"

namespace unlasting::predict {
namespace {

bool NamesCuda(const std::string& device) {
  return device == "cuda" || absl::StartsWith(device, "cuda:");
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

model::cpu::Molecule<float> MoleculeInput(const Perturbation& perturbation) {
  model::cpu::Molecule<float> molecule;
  const auto& features = perturbation.molecule;
  if (std::all_of(features.begin(), features.end(), [](float f) { return f == 0.0f; })) {
    return molecule;
  }
  molecule.features = features;
  molecule.log10_dose_um = perturbation.log10_dose_um;
  molecule.key =
      perturbation.molecule_key.empty() ? MoleculeKey(perturbation) : perturbation.molecule_key;
  return molecule;
}

absl::StatusOr<std::unique_ptr<Engine>> Engine::Create(std::shared_ptr<const bundle::Bundle> bundle,
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
    return MakeCpuEngine(std::move(bundle), options);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("device: found '", options.device, "', expected auto, cpu or cuda[:index]"));
}

}  // namespace unlasting::predict
