#include "server/models/warm_up.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "core/base/status.h"
#include "core/predict/job/job.h"

namespace unlasting::server {
namespace {

// The first step of a size pays for what is set up once; the second takes the time that callers
// see.
constexpr int kRounds = 2;

absl::StatusOr<std::shared_ptr<const predict::Perturbation>> AnyPerturbation(
    const bundle::Bundle& bundle) {
  predict::PerturbationQuery query;
  if (bundle.manifest().Knows("gene")) {
    query.genes = {bundle.manifest().genes.front()};
  } else if (bundle.manifest().Knows("molecule")) {
    query.embedding.assign(bundle.manifest().molecule_features, 1.0f);
    query.dose_um = 1;
  } else {
    query.treatment = bundle.manifest().treatments.front();
  }
  if (query.genes.empty()) {
    for (const bundle::Covariate& covariate : bundle.manifest().covariates) {
      query.covariates[covariate.name] = covariate.values.front();
    }
  }
  return predict::ResolvePerturbation(bundle, query);
}

// A model whose weights or scales overflow takes its steps without an error.
absl::Status CheckFinite(const DenseMatrix& values) {
  const bool finite = std::all_of(values.values.begin(), values.values.end(),
                                  [](float value) { return std::isfinite(value); });
  if (finite) return absl::OkStatus();
  return absl::DataLossError(
      "predicts values that are not finite for its own mean control cell, expected finite ones; "
      "train it again");
}

// `count` copies of the mean control cell of the first cell type.
std::shared_ptr<const predict::ControlSet> MeanCells(const bundle::Bundle& bundle, int64_t count) {
  const absl::Span<const float> mean = bundle.reference().control_mean.Row(0);
  predict::ControlSet cells;
  cells.values.cols = static_cast<int64_t>(mean.size());
  for (int64_t r = 0; r < count; ++r) AppendRow(mean, &cells.values);
  cells.cell_type.assign(count, 0);
  return std::make_shared<const predict::ControlSet>(std::move(cells));
}

}  // namespace

std::vector<int64_t> StepBuckets(int64_t max_batch) {
  std::vector<int64_t> buckets;
  for (int64_t rows = 1; rows < max_batch; rows *= 2) buckets.push_back(rows);
  buckets.push_back(max_batch);
  return buckets;
}

absl::StatusOr<std::vector<MeasuredStep>> WarmUp(predict::Engine* engine, const Clock& clock) {
  UNLASTING_ASSIGN_OR_RETURN(const auto perturbation, AnyPerturbation(engine->bundle()));
  predict::PredictOptions options = predict::DefaultOptions(engine->bundle());
  options.solver_steps = 1;
  // This mode masks each cell by itself, so that no cells of the panel join the job.
  options.mask = predict::MaskMode::kCell;
  std::vector<MeasuredStep> measured;
  std::vector<predict::Row*> rows;
  for (const int64_t size : StepBuckets(engine->options().max_batch)) {
    absl::Duration shortest = absl::InfiniteDuration();
    for (int round = 0; round < kRounds; ++round) {
      predict::InFlightTrajectories in_flight;
      predict::Job job(engine, &in_flight,
                       {MeanCells(engine->bundle(), size), {perturbation}, options});
      while (!job.done()) {
        rows.clear();
        job.TakeRunnable(size, &rows);
        const absl::Time start = clock.Now();
        UNLASTING_RETURN_IF_ERROR(engine->StepAndCollect(rows));
        shortest = std::min(shortest, clock.Now() - start);
        job.Return(rows);
        while (const auto complete = job.NextComplete()) {
          UNLASTING_ASSIGN_OR_RETURN(const predict::Profiles profiles, job.Finish(*complete));
          UNLASTING_RETURN_IF_ERROR(CheckFinite(profiles.values));
        }
      }
    }
    measured.push_back({size, shortest});
  }
  return measured;
}

}  // namespace unlasting::server
