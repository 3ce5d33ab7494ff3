#include "core/predict/engine/engine_steps.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/counter_rng.h"

namespace unlasting::predict {

absl::Status Engine::StepAndCollect(absl::Span<Row* const> rows) {
  const absl::Status status = Step(rows);
  if (!status.ok()) return status;
  std::vector<Row*> finished;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(finished),
               [](const Row* row) { return row->finished(); });
  return Collect(finished);
}

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

std::vector<float> MeanChange(int32_t cell_type, const model::NewContext* context,
                              const Perturbation& perturbation, model::cpu::Priors<float>* priors) {
  const model::cpu::Molecule<float> molecule = MoleculeInput(perturbation);
  const auto* const told = molecule.features.empty() ? nullptr : &molecule;
  if (context == nullptr) return priors->MeanChange(cell_type, perturbation.knockout, told);
  return priors->MeanChangeIn({context, &perturbation.measured_in, perturbation.knockout, told});
}

bool FromControl(int32_t cell_type, const Perturbation& perturbation,
                 model::cpu::Priors<float>* priors) {
  const model::cpu::Molecule<float> molecule = MoleculeInput(perturbation);
  return priors->FromControl(cell_type, perturbation.knockout,
                             molecule.features.empty() ? nullptr : &molecule);
}

absl::StatusOr<DenseMatrix> MaskProbabilityBy(const RunMask& run, int64_t genes,
                                              const DenseMatrix& controls,
                                              absl::Span<const int32_t> cell_type,
                                              const model::NewContext* context,
                                              const Perturbation& perturbation) {
  try {
    DenseMatrix probability(controls.rows, genes);
    const model::cpu::Molecule<float> molecule = MoleculeInput(perturbation);
    std::vector<model::cpu::NetworkRow<float>> rows(controls.rows);
    for (int64_t k = 0; k < controls.rows; ++k) {
      rows[k].cell_type = cell_type[k];
      rows[k].context = context;
      rows[k].measured = &perturbation.measured_in;
      rows[k].control = controls.Row(k).data();
      rows[k].knockout = perturbation.knockout;
      if (!molecule.features.empty()) rows[k].molecule = &molecule;
      rows[k].out = probability.Row(k).data();
    }
    run(rows);
    for (float& value : probability.values) value = 1.0f / (1.0f + std::exp(-value));
    return probability;
  } catch (const std::exception& error) {
    return EvaluationFailed(error);
  }
}

absl::Status EvaluationFailed(const std::exception& error) {
  return absl::InternalError(absl::StrCat("engine: ", error.what()));
}

}  // namespace unlasting::predict
