#include "trainer/scoring/predict_groups.h"

#include <memory>
#include <optional>
#include <utility>

#include "core/base/status.h"
#include "core/predict/job/finish.h"
#include "core/predict/job/job.h"
#include "core/predict/query/predicted_error.h"

namespace unlasting::trainer {
namespace {

predict::PerturbationQuery QueryOf(const cells::Condition& condition,
                                   const bundle::Manifest& manifest) {
  predict::PerturbationQuery query;
  query.genes = condition.genes;
  query.covariates = condition.covariates;
  if (condition.treatment) {
    query.treatment = condition.name;
  } else if (condition.molecule() && manifest.molecule_featurizer == bundle::kEmbeddingsName) {
    query.molecule_name = condition.name;
  } else {
    query.smiles = condition.smiles;
  }
  query.dose_um = condition.dose_um;
  return query;
}

// Control cells moved by the expected response and silenced by the model's shares: what the model
// says without a network.
DenseMatrix ExpectedCells(const DenseMatrix& control, std::vector<float> change,
                          const std::vector<float>& active_share, double x_max, bool meet_means) {
  for (float& value : change) value *= static_cast<float>(x_max);
  DenseMatrix cells = MeanShiftRank(control, change, active_share);
  if (!meet_means) return cells;
  std::vector<float> mean = std::move(change);
  for (int64_t g = 0; g < control.cols; ++g) {
    double sum = 0;
    for (int64_t r = 0; r < control.rows; ++r) sum += control.At(r, g);
    mean[g] += static_cast<float>(sum / static_cast<double>(control.rows));
  }
  predict::ScaleGenes(predict::MeanFactors(cells, mean), &cells);
  return cells;
}

// What the model says of its own error; absent where it says nothing.
std::optional<evaluate::PredictedDistance> PredictedDistanceOf(
    const bundle::Bundle& bundle, const predict::Perturbation& perturbation,
    const predict::ControlSet& controls, const DenseMatrix& predicted) {
  const int32_t type = controls.cell_type.empty() ? 0 : controls.cell_type.front();
  const auto errors = predict::PredictedErrors(bundle, perturbation, {type}, predicted,
                                               controls.values, controls.cell_type);
  if (errors.empty() || !errors[0].estimate.has_value()) return std::nullopt;
  const bundle::ErrorEstimate& estimate = *errors[0].estimate;
  return evaluate::PredictedDistance{estimate.expected,   estimate.low,   estimate.high,
                                     estimate.calibrated, errors[0].kind, estimate.left_out};
}

}  // namespace

absl::Status PredictGroups(predict::Engine* engine, const HeldOut& held_out,
                           const PredictGroupsOptions& options,
                           const std::function<absl::Status(const evaluate::Group&)>& visit) {
  int64_t done = 0;
  for (const auto& test : held_out.groups) {
    evaluate::Group group = MakeGroup(held_out, test);
    const cells::Condition& condition = held_out.annotations.conditions[test.condition];
    UNLASTING_ASSIGN_OR_RETURN(
        const auto perturbation,
        predict::ResolvePerturbation(engine->bundle(),
                                     QueryOf(condition, engine->bundle().manifest())));
    cells::ControlMatrix cells;
    cells.values = ToCsr(group.control);
    cells.genes = held_out.genes;
    cells.on_model_scale = true;
    cells.cell_types.assign(cells.values.rows, held_out.annotations.cell_types[test.cell_type]);
    UNLASTING_ASSIGN_OR_RETURN(auto resolved, predict::ResolveControls(engine->bundle(), cells));
    const auto controls = std::make_shared<const predict::ControlSet>(std::move(resolved));
    const int32_t type = controls->cell_type.empty() ? 0 : controls->cell_type.front();
    UNLASTING_ASSIGN_OR_RETURN(
        auto profiles, predict::PredictAll(engine, {controls, {perturbation}, options.predict},
                                           options.interrupted));
    group.predicted = std::move(profiles[0].values);
    group.predicted_distance =
        PredictedDistanceOf(engine->bundle(), *perturbation, *controls, group.predicted);
    if (group.mean_shift) {
      group.further_baselines["mean_shift_rank"] =
          MeanShiftRank(group.control, *group.mean_shift, profiles[0].active_share);
    }
    if (engine->bundle().config().expected_response) {
      UNLASTING_ASSIGN_OR_RETURN(std::vector<float> change,
                                 engine->ExpectedMeanChange(type, nullptr, *perturbation));
      group.further_baselines["expected_response"] = ExpectedCells(
          group.control, std::move(change), profiles[0].active_share,
          engine->bundle().manifest().normalisation.x_max, options.predict.meet_means);
    }
    UNLASTING_RETURN_IF_ERROR(visit(group));
    if (options.progress) {
      options.progress(++done, static_cast<int64_t>(held_out.groups.size()));
    }
  }
  return absl::OkStatus();
}

}  // namespace unlasting::trainer
