#include "core/predict/query/query.h"

#include "core/base/status.h"
#include "core/predict/query/contexts.h"
#include "core/predict/query/refusal.h"
#include "core/predict/query/resolve.h"

namespace unlasting::predict {
namespace {

using bundle::Bundle;

}  // namespace

absl::StatusOr<std::shared_ptr<const Perturbation>> ResolvePerturbation(
    const Bundle& bundle, const PerturbationQuery& query) {
  const int forms = static_cast<int>(!query.molecule_name.empty()) +
                    static_cast<int>(!query.smiles.empty()) +
                    static_cast<int>(!query.embedding.empty());
  const bool treatment = !query.treatment.empty() || !query.treatment_vector.empty();
  const int kinds = static_cast<int>(!query.genes.empty()) + static_cast<int>(forms > 0) +
                    static_cast<int>(treatment);
  if (kinds == 0) {
    return Invalid("EMPTY_PERTURBATION", "perturbation: expected genes, a molecule or a treatment");
  }
  if (kinds > 1 || forms > 1) {
    return Invalid("INVALID_OPTION",
                   "perturbation: expected genes, or a molecule by one of name, SMILES, embedding, "
                   "or a treatment");
  }
  if (!query.genes.empty() && !query.covariates.empty()) {
    return Invalid("INVALID_COVARIATE", "covariates: expected a molecule or a treatment");
  }
  auto perturbation = std::make_shared<Perturbation>();
  UNLASTING_RETURN_IF_ERROR(treatment    ? ResolveTreatment(bundle, query, perturbation.get())
                            : forms == 1 ? ResolveMolecule(bundle, query, perturbation.get())
                                         : ResolveGenes(bundle, query, perturbation.get()));
  perturbation->molecule_key = MoleculeKey(*perturbation);
  perturbation->measured_in = MeasuredIn(bundle, *perturbation);
  return std::shared_ptr<const Perturbation>(std::move(perturbation));
}

absl::StatusOr<MaskMode> ParseMaskMode(const std::string& name) {
  for (const MaskMode mode : {MaskMode::kRank, MaskMode::kCell, MaskMode::kAggregate,
                              MaskMode::kSample, MaskMode::kNone}) {
    if (name == MaskModeName(mode)) return mode;
  }
  return Invalid(
      "INVALID_OPTION",
      absl::StrCat("mask: found '", name, "', expected rank, cell, aggregate, sample or none"));
}

const char* MaskModeName(MaskMode mode) {
  switch (mode) {
    case MaskMode::kRank:
      return "rank";
    case MaskMode::kCell:
      return "cell";
    case MaskMode::kAggregate:
      return "aggregate";
    case MaskMode::kSample:
      return "sample";
    case MaskMode::kNone:
      return "none";
  }
  return "";
}

PredictOptions DefaultOptions(const Bundle& bundle) {
  PredictOptions options;
  const auto solver = diffusion::ParseSolver(bundle.manifest().solver);
  if (solver.ok()) options.solver = *solver;
  options.solver_steps = bundle.manifest().solver_steps;
  const auto mask = ParseMaskMode(bundle.manifest().mask);
  if (mask.ok()) options.mask = *mask;
  options.meet_means = bundle.manifest().meet_means;
  return options;
}

}  // namespace unlasting::predict
