#include "core/predict/job/job_state.h"

#include <algorithm>
#include <map>

#include "core/predict/job/mask.h"

namespace unlasting::predict {

std::vector<int64_t> JobState::PanelRowsToDecode() {
  std::vector<int64_t> panel;
  if (options.mask != MaskMode::kRank) return panel;
  std::map<int32_t, int64_t> count;
  for (const int32_t type : controls->cell_type) ++count[type];
  for (const auto& [type, cells] : count) {
    const std::vector<int64_t> rows = engine->bundle().reference().PanelRows(type);
    if (cells >= kMinRankedCells || rows.empty()) continue;
    TakeKeptThresholds(type);
    const auto& found = panel_thresholds[type];
    const bool all = std::none_of(found.begin(), found.end(),
                                  [](const auto& thresholds) { return thresholds.empty(); });
    if (!all) panel.insert(panel.end(), rows.begin(), rows.end());
  }
  return panel;
}

void JobState::MakeControlUnits() {
  const auto& reference = engine->bundle().reference();
  const auto scale = static_cast<float>(1.0 / engine->bundle().manifest().normalisation.x_max);
  const std::vector<int64_t> panel = PanelRowsToDecode();
  const CsrMatrix& values = controls->values;
  request_cells = values.rows;
  auto units = std::make_shared<DenseMatrix>(request_cells + static_cast<int64_t>(panel.size()),
                                             values.cols);
  for (int64_t cell = 0; cell < request_cells; ++cell) {
    const auto genes = values.RowIndices(cell);
    const auto row = values.RowValues(cell);
    for (size_t k = 0; k < genes.size(); ++k) units->At(cell, genes[k]) = row[k] * scale;
  }
  cell_type = controls->cell_type;
  new_context = controls->new_context;
  for (size_t k = 0; k < panel.size(); ++k) {
    const auto row = reference.panel.Row(panel[k]);
    std::transform(row.begin(), row.end(),
                   units->Row(request_cells + static_cast<int64_t>(k)).begin(),
                   [scale](float value) { return value * scale; });
    cell_type.push_back(reference.panel_cell_type[panel[k]]);
  }
  control_units = std::move(units);
  // The one dense copy is made.
  controls = nullptr;
}

std::string JobState::LatentKey(int64_t cell) const {
  const model::NewContext* const context = ContextOf(cell_type[cell]);
  return ContentCache::LatentKey(options.solver, options.solver_steps, cell_type[cell],
                                 control_units->Row(cell), context == nullptr ? "" : context->key);
}

void JobState::MakeTargets() {
  targets.resize(perturbations.size());
  const auto decode = static_cast<int64_t>(plan->decode.size());
  for (int p = 0; p < static_cast<int>(targets.size()); ++p) {
    for (int cell = 0; cell < cells(); ++cell) targets[p].rows_left += Decodes(cell, p) ? 1 : 0;
    evaluations_total += targets[p].rows_left * decode;
  }
  if (!options.random_latent) {
    evaluations_total += cells() * static_cast<int64_t>(plan->invert.size());
  }
  evaluations_left = evaluations_total;
}

void JobState::Fail(const absl::Status& why) {
  status = why;
  to_invert.clear();
  ready_cells = 0;
  cells_with_latent.clear();
  targets.resize(perturbations.size());
  complete.clear();
  for (size_t p = 0; p < targets.size(); ++p) {
    targets[p].next_ready = 0;
    if (!targets[p].collected) complete.push_back(static_cast<int>(p));
  }
}

}  // namespace unlasting::predict
