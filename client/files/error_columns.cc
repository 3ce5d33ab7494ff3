#include "client/files/error_columns.h"

#include <limits>
#include <string>
#include <utility>

#include "client/files/resolved_perturbation.h"

namespace unlasting::client {

void AddErrorColumns(const v1::PredictHeader& header,
                     const std::vector<v1::PerturbationSummary>& summaries,
                     anndata::AnnData* data) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const int perturbations = header.perturbations_size();
  const v1::ResolvedControls& controls = header.controls();
  const int cells = controls.cell_type_indices_size();
  std::vector<double> expected(perturbations, kNan), lower = expected, upper = expected;
  std::vector<std::string> kinds(perturbations);
  std::vector<bool> calibrated(perturbations);
  std::vector<double> of_cells(static_cast<size_t>(perturbations) * cells, kNan);
  bool any = false;
  for (const v1::PerturbationSummary& summary : summaries) {
    const int p = summary.perturbation_index();
    const v1::PredictedError* const worst = WorstError(summary);
    if (worst == nullptr || p < 0 || p >= perturbations) continue;
    any = true;
    kinds[p] = worst->kind();
    calibrated[p] = worst->calibrated();
    if (worst->has_expected_e_distance()) expected[p] = worst->expected_e_distance();
    if (worst->has_lower()) lower[p] = worst->lower();
    if (worst->has_upper()) upper[p] = worst->upper();
    for (int c = 0; c < cells; ++c) {
      const std::string& type = controls.cell_types(controls.cell_type_indices(c));
      for (const v1::PredictedError& error : summary.predicted_errors()) {
        if (error.cell_type() != type || !error.has_expected_e_distance()) continue;
        of_cells[static_cast<size_t>(p) * cells + c] = error.expected_e_distance();
      }
    }
  }
  if (!any) return;
  nlohmann::json& columns = data->uns["unlasting"]["perturbations"];
  columns["predicted_e_distance"] = expected;
  columns["predicted_e_distance_lower"] = lower;
  columns["predicted_e_distance_upper"] = upper;
  columns["predicted_error_kind"] = kinds;
  columns["predicted_error_calibrated"] = calibrated;
  data->obs.Set("predicted_e_distance", std::move(of_cells));
}

}  // namespace unlasting::client
