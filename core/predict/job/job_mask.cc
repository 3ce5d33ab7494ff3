// The mask of a job's profiles: which genes are silent (eq 15), and the thresholds that come from
// the bundle's panel where a task has few cells of a type.
#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/bundle/carry_over.h"
#include "core/predict/job/finish.h"
#include "core/predict/job/job_state.h"
#include "core/predict/job/mask.h"

namespace unlasting::predict {

bool JobState::Decodes(int cell, int perturbation) const {
  return cell < request_cells || panel_thresholds.at(cell_type[cell])[perturbation].empty();
}

std::string JobState::ThresholdKey(int perturbation, int32_t type) const {
  return absl::StrCat(diffusion::SolverName(options.solver), "/", options.solver_steps, "/", type,
                      "/", PerturbationKey(perturbation));
}

ContentCache* JobState::KeptThresholds() const {
  // With noise, thresholds differ by seed.
  const bool drawn = options.random_latent || options.eta > 0;
  ContentCache* kept = drawn ? nullptr : engine->thresholds();
  return kept != nullptr && kept->enabled() ? kept : nullptr;
}

void JobState::TakeKeptThresholds(int32_t type) {
  std::vector<std::vector<float>>& of_type = panel_thresholds[type];
  of_type.resize(perturbations.size());
  ContentCache* kept = KeptThresholds();
  if (kept == nullptr) return;
  for (int p = 0; p < static_cast<int>(perturbations.size()); ++p) {
    if (auto thresholds = kept->Find(ThresholdKey(p, type))) of_type[p] = *std::move(thresholds);
  }
}

bool JobState::TakeLateThresholds(int perturbation, int32_t type) {
  ContentCache* kept = KeptThresholds();
  if (kept == nullptr) return false;
  const std::pair<int, int32_t> place = {perturbation, type};
  if (late_thresholds.count(place) == 0) {
    auto found = kept->Find(ThresholdKey(perturbation, type), ContentCache::Look::kAgain);
    if (!found.has_value()) return false;
    late_thresholds[place] = *std::move(found);
  }
  // This cell is not decoded. Cells that are under way go on; those that have not begun come here
  // one by one.
  const auto saved = static_cast<int64_t>(plan->decode.size());
  evaluations_total -= saved;
  evaluations_left -= saved;
  MarkRowDone(perturbation);
  return true;
}

absl::StatusOr<DenseMatrix> JobState::MaskProbability(int perturbation, int32_t type,
                                                      absl::Span<const int64_t> cells) {
  return engine->MaskProbability(SelectRows(*control_units, cells),
                                 std::vector<int32_t>(cells.size(), TrainedType(type)),
                                 ContextOf(type), *perturbations[perturbation]);
}

bool JobState::MeetsMeans(int perturbation, int32_t type) {
  if (ContextOf(type) != nullptr) {
    return bundle::MeetsMeansElsewhere(engine->bundle().manifest().response, options.meet_means);
  }
  return options.meet_means || engine->FromControl(type, *perturbations[perturbation]);
}

bool JobState::FinishesMeans(int perturbation, int32_t type) {
  const bundle::Bundle& bundle = engine->bundle();
  if (!bundle.config().expected_response) return false;
  if (MeetsMeans(perturbation, type) || ContextOf(type) != nullptr) return true;
  const bundle::TrainedContexts& trained = bundle.trained_contexts();
  if (!trained.recorded()) return false;
  const bool combined = perturbations[perturbation]->knockout.size() > 1;
  return !trained.Seen(type) || (combined && !trained.SeenCombination());
}

absl::StatusOr<std::vector<float>> JobState::ExpectedMean(int perturbation, int32_t type,
                                                          absl::Span<const int64_t> cells,
                                                          absl::Span<const double> share) {
  UNLASTING_ASSIGN_OR_RETURN(
      std::vector<float> mean,
      engine->ExpectedMeanChange(TrainedType(type), ContextOf(type), *perturbations[perturbation]));
  if (!MeetsMeans(perturbation, type)) {
    DenseMatrix moved = SelectRows(*control_units, cells);
    for (int64_t r = 0; r < moved.rows; ++r) {
      const auto row = moved.Row(r);
      for (size_t g = 0; g < row.size(); ++g) row[g] += mean[g];
    }
    KeepTopShare(share, &moved);
    return MeanValues(moved);
  }
  std::vector<double> sum(mean.size(), 0.0);
  for (const int64_t cell : cells) {
    const auto row = control_units->Row(cell);
    for (size_t g = 0; g < sum.size(); ++g) sum[g] += row[g];
  }
  const auto count = static_cast<double>(cells.size());
  for (size_t g = 0; g < sum.size(); ++g) mean[g] += static_cast<float>(sum[g] / count);
  return mean;
}

absl::StatusOr<std::vector<float>> JobState::PanelThresholds(int perturbation, int32_t type) {
  const std::vector<float>& found = panel_thresholds.at(type)[perturbation];
  if (!found.empty()) return found;
  const auto later = late_thresholds.find({perturbation, type});
  if (later != late_thresholds.end()) return later->second;
  ContentCache* kept = KeptThresholds();
  const std::string key = ThresholdKey(perturbation, type);
  if (kept != nullptr) {
    // A job that shared these trajectories may have come here first.
    if (auto thresholds = kept->Find(key, ContentCache::Look::kAgain)) {
      return *std::move(thresholds);
    }
  }
  const Target& target = targets[perturbation];
  std::vector<int64_t> panel;
  for (int64_t cell = request_cells; cell < cells(); ++cell) {
    if (cell_type[cell] == type) panel.push_back(cell);
  }
  DenseMatrix values(static_cast<int64_t>(panel.size()), control_units->cols);
  for (size_t k = 0; k < panel.size(); ++k) {
    const std::vector<float>& x = target.x[panel[k]];
    std::copy(x.begin(), x.end(), values.Row(static_cast<int64_t>(k)).begin());
  }
  UNLASTING_ASSIGN_OR_RETURN(const DenseMatrix probability,
                             MaskProbability(perturbation, type, panel));
  const std::vector<double> share = MeanProbability(probability);
  std::vector<float> thresholds = TopShareThresholds(values, share);
  if (FinishesMeans(perturbation, type)) {
    UNLASTING_ASSIGN_OR_RETURN(const std::vector<float> mean,
                               ExpectedMean(perturbation, type, panel, share));
    KeepAbove(thresholds, &values);
    const std::vector<float> factors = MeanFactors(values, mean);
    thresholds.insert(thresholds.end(), factors.begin(), factors.end());
  }
  if (kept != nullptr) kept->Insert(key, thresholds);
  return thresholds;
}

absl::Status JobState::KeepByRank(int perturbation, int32_t type, const std::vector<int64_t>& rows,
                                  const DenseMatrix& probability, DenseMatrix* group) {
  if (panel_thresholds.count(type) != 0) {
    UNLASTING_ASSIGN_OR_RETURN(const std::vector<float> thresholds,
                               PanelThresholds(perturbation, type));
    const auto genes = static_cast<size_t>(group->cols);
    KeepAbove(absl::MakeConstSpan(thresholds).first(genes), group);
    if (thresholds.size() > genes)
      ScaleGenes(absl::MakeConstSpan(thresholds).subspan(genes), group);
    return absl::OkStatus();
  }
  const std::vector<double> share = MeanProbability(probability);
  KeepTopShare(share, group);
  if (!FinishesMeans(perturbation, type)) return absl::OkStatus();
  UNLASTING_ASSIGN_OR_RETURN(const std::vector<float> mean,
                             ExpectedMean(perturbation, type, rows, share));
  ScaleGenes(MeanFactors(*group, mean), group);
  return absl::OkStatus();
}

absl::Status JobState::Mask(int perturbation, DenseMatrix* values, Profiles* profiles) {
  // Cells are ranked among those of their own type: each type is masked by itself.
  std::map<int32_t, std::vector<int64_t>> rows_of_type;
  for (int64_t row = 0; row < request_cells; ++row) rows_of_type[cell_type[row]].push_back(row);
  std::vector<float>& active_share = profiles->active_share;
  active_share.assign(values->cols, 0.0f);
  std::vector<double> mask_variance(options.mask == MaskMode::kSample ? values->cols : 0, 0.0);
  for (const auto& [type, rows] : rows_of_type) {
    UNLASTING_ASSIGN_OR_RETURN(const DenseMatrix probability,
                               MaskProbability(perturbation, type, rows));
    for (int64_t k = 0; k < probability.rows; ++k) {
      for (int64_t g = 0; g < values->cols; ++g) {
        active_share[g] += probability.At(k, g) / static_cast<float>(request_cells);
      }
    }
    DenseMatrix group = SelectRows(*values, rows);
    if (options.mask == MaskMode::kRank) {
      UNLASTING_RETURN_IF_ERROR(KeepByRank(perturbation, type, rows, probability, &group));
    } else if (options.mask != MaskMode::kNone) {
      if (!mask_variance.empty()) {
        // Each value is kept with probability p, independently of the others.
        const auto active = PredictedActive(probability, options.mask_threshold);
        for (int64_t k = 0; k < probability.rows; ++k) {
          for (int64_t g = 0; g < values->cols; ++g) {
            const double kept = std::max(0.0f, group.At(k, g));
            mask_variance[g] += kept * kept * active[g] * (1 - active[g]);
          }
        }
      }
      ApplyMask(options.mask, options.mask_threshold, options.seed,
                static_cast<uint64_t>(perturbation) * 1000003 + static_cast<uint64_t>(type),
                probability, &group);
    }
    for (size_t k = 0; k < rows.size(); ++k) {
      const auto row = group.Row(static_cast<int64_t>(k));
      std::copy(row.begin(), row.end(), values->Row(rows[k]).begin());
    }
  }
  const double x_max = engine->bundle().manifest().normalisation.x_max;
  for (const double variance : mask_variance) {
    profiles->mask_deviation.push_back(
        static_cast<float>(x_max * std::sqrt(variance) / static_cast<double>(request_cells)));
  }
  return absl::OkStatus();
}

}  // namespace unlasting::predict
