#include "server/rpc/predicted_errors.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/predict/query/predicted_error.h"

namespace unlasting::server {

void AddPredictedErrors(const bundle::Bundle& bundle, const predict::PredictionTask& task,
                        absl::Span<const int32_t> cell_types, const predict::Profiles& profiles,
                        v1::PerturbationSummary* summary) {
  const auto& model = bundle.manifest().prediction_error;
  if (!model.has_value()) return;
  const auto errors =
      predict::PredictedErrors(bundle, *task.perturbations[profiles.perturbation], cell_types,
                               profiles.values, task.controls->values, task.controls->cell_type);
  std::vector<const bundle::KindOfError*> kinds;
  for (const predict::PredictedError& error : errors) {
    v1::PredictedError* added = summary->add_predicted_errors();
    const std::vector<std::string>& types = bundle.manifest().cell_types;
    if (error.cell_type < static_cast<int32_t>(types.size())) {
      added->set_cell_type(types[error.cell_type]);
    } else if (task.controls->new_context != nullptr) {
      added->set_cell_type(task.controls->new_context->name);
    }
    added->set_kind(error.kind);
    added->set_level(model->level);
    kinds.push_back(model->Calibrated(error.kind));
    if (!error.estimate.has_value()) continue;
    added->set_expected_e_distance(error.estimate->expected);
    added->set_left_out(error.estimate->left_out);
    added->set_calibrated(error.estimate->calibrated);
    if (!error.estimate->calibrated) continue;
    added->set_lower(error.estimate->low);
    added->set_upper(error.estimate->high);
  }
  if (std::count(kinds.begin(), kinds.end(), nullptr) > 0) return;
  for (int g = 0; g < summary->mean_size(); ++g) {
    const double deviation = summary->standard_deviation(g);
    // Of cells of several types, those with the widest intervals decide.
    double width = 0;
    for (const bundle::KindOfError* kind : kinds) {
      width = std::max(width, bundle::GeneHalfWidth(*kind, summary->change_standard_error(g),
                                                    deviation * deviation,
                                                    summary->mean(g) - summary->control_mean(g)));
    }
    summary->add_change_half_width(static_cast<float>(width));
  }
}

}  // namespace unlasting::server
