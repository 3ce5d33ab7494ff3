// ResolvePerturbation turns what a caller asks of a bundle into a Perturbation for an engine, and
// PredictOptions says how it is computed. Control cells are resolved by controls.h.
//
// Each error carries a reason (core/base/status.h): UNKNOWN_GENE, UNKNOWN_MOLECULE,
// UNKNOWN_TREATMENT, UNPARSABLE_SMILES, EMBEDDING_LENGTH, INVALID_DOSE, INVALID_COVARIATE,
// EMPTY_PERTURBATION, UNSUPPORTED_PERTURBATION, DUPLICATE_GENE, INVALID_VALUE, INVALID_OPTION.
// Stateless; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/bundle/bundle.h"
#include "core/diffusion/solver.h"
#include "core/predict/query/perturbation.h"

namespace unlasting::predict {

// Gene names may be the bundle's or their symbols.
absl::StatusOr<std::shared_ptr<const Perturbation>> ResolvePerturbation(
    const bundle::Bundle& bundle, const PerturbationQuery& query);

enum class MaskMode { kRank, kCell, kAggregate, kSample, kNone };
absl::StatusOr<MaskMode> ParseMaskMode(const std::string& name);
const char* MaskModeName(MaskMode mode);

struct PredictOptions {
  diffusion::Solver solver = diffusion::Solver::kDpmSolverPp2m;
  int solver_steps = 10;
  MaskMode mask = MaskMode::kRank;
  // Whether the rank mask also scales active values to the expected mean (job/finish.h).
  bool meet_means = false;
  double mask_threshold = 0.5;  // tau of `cell` and `aggregate`
  uint64_t seed = 0;            // of `sample`, of eta's noise and of drawn counts
  // Noise of the decoding steps, 0 to 1; with ddim alone (core/diffusion/solver.h).
  double eta = 0;
  // Whether profiles carry what whole counts are drawn by (job/counts.h).
  bool draw_counts = false;
  // Counts over all measured genes of each drawn cell; 0: those of its control cell.
  double count_depth = 0;
  // Ablation of Fig 6: start from Gaussian noise in place of the control cell's latent.
  bool random_latent = false;
};
// The bundle's defaults.
PredictOptions DefaultOptions(const bundle::Bundle& bundle);

}  // namespace unlasting::predict
