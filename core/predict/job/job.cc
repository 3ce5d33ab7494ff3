#include "core/predict/job/job.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/predict/job/job_state.h"
#include "core/predict/job/trajectory.h"

namespace unlasting::predict {

Job::Job(Engine* engine, InFlightTrajectories* in_flight, const PredictionTask& task)
    : state_(std::make_unique<JobState>()) {
  JobState& s = *state_;
  s.engine = engine;
  s.in_flight = in_flight;
  s.controls = task.controls;
  s.perturbations = task.perturbations;
  s.options = task.options;
  const PredictOptions& options = s.options;
  const auto& manifest = engine->bundle().manifest();
  auto plan = diffusion::MakeBridgePlan(
      diffusion::Schedule(manifest.schedule_steps, manifest.beta_first, manifest.beta_last),
      options.solver, options.solver_steps, options.eta);
  s.MakeControlUnits();
  if (options.eta > 0) s.NameNoise();
  if (options.draw_counts) s.NameCounts(task.controls->library_size);
  if (plan.ok() && s.new_context != nullptr && !engine->TakesNewContexts()) {
    plan = WithReason(
        absl::UnimplementedError(absl::StrCat("new_context: found '", s.new_context->name,
                                              "', which this server's evaluator cannot take; "
                                              "expected a cell type of the training, or "
                                              "the setting evaluator=fused")),
        "UNSUPPORTED_NEW_CONTEXT");
  }
  if (!plan.ok()) {
    s.Fail(plan.status());
    return;
  }
  s.plan = std::make_shared<const diffusion::BridgePlan>(*std::move(plan));
  s.MakeTargets();
  s.StartLatents();
}

Job::~Job() = default;

int64_t Job::evaluations_left() const { return state_->evaluations_left; }
int64_t Job::evaluations_total() const { return state_->evaluations_total; }

int64_t Job::runnable() const {
  return static_cast<int64_t>(state_->trajectories.size() + state_->to_invert.size()) +
         state_->ready_cells - state_->taken;
}

bool Job::done() const { return state_->collected == static_cast<int64_t>(state_->targets.size()); }

void Job::TakeRunnable(int64_t limit, std::vector<Row*>* rows) {
  JobState& s = *state_;
  const size_t max_rows = rows->size() + static_cast<size_t>(std::max<int64_t>(limit, 0));
  // A trajectory that another job has handed out to this step advances without this job.
  const auto take = [&s, rows](const std::shared_ptr<Trajectory>& trajectory) {
    if (trajectory->taken_by == nullptr) {
      s.Take(trajectory, rows);
    } else {
      s.idle_trajectories.push_back(trajectory);
    }
  };
  for (size_t looked = s.idle_trajectories.size(); looked > 0 && rows->size() < max_rows;
       --looked) {
    const std::shared_ptr<Trajectory> trajectory = std::move(s.idle_trajectories.front());
    s.idle_trajectories.pop_front();
    if (!trajectory->finished()) take(trajectory);
  }
  while (rows->size() < max_rows && !s.to_invert.empty()) {
    if (const auto trajectory = s.StartInversion()) take(trajectory);
  }
  const auto targets = static_cast<int>(s.targets.size());
  for (; s.first_ready_target < targets && rows->size() < max_rows; ++s.first_ready_target) {
    while (rows->size() < max_rows && s.ReadyCell(s.first_ready_target) >= 0) {
      if (const auto trajectory = s.StartDecode(s.first_ready_target)) take(trajectory);
    }
    if (s.ReadyCell(s.first_ready_target) >= 0) break;
  }
}

void Job::Return(absl::Span<Row* const> rows) {
  for (Row* row : rows) state_->Return(static_cast<Trajectory*>(row));
}

bool Job::HasComplete() const { return !state_->complete.empty(); }

std::optional<int> Job::NextComplete() {
  if (state_->complete.empty()) return std::nullopt;
  const int perturbation = state_->complete.front();
  state_->complete.pop_front();
  return perturbation;
}

absl::StatusOr<Profiles> Job::Finish(int perturbation) {
  JobState& s = *state_;
  UNLASTING_RETURN_IF_ERROR(s.status);
  JobState::Target& target = s.targets[perturbation];
  DenseMatrix values(s.request_cells, s.control_units->cols);
  for (int64_t cell = 0; cell < s.request_cells; ++cell) {
    std::copy(target.x[cell].begin(), target.x[cell].end(), values.Row(cell).begin());
  }
  if (!target.collected) {
    target.collected = true;
    ++s.collected;
  }
  Profiles profiles;
  profiles.perturbation = perturbation;
  UNLASTING_RETURN_IF_ERROR(s.Mask(perturbation, &values, &profiles));
  target.x.clear();
  target.x.shrink_to_fit();
  target.panel.clear();
  const auto x_max = static_cast<float>(s.engine->bundle().manifest().normalisation.x_max);
  for (float& value : values.values) value = std::max(0.0f, value * x_max);
  profiles.values = std::move(values);
  if (s.options.draw_counts) profiles.draws = s.CountDraws(perturbation);
  return profiles;
}

std::vector<Row*> TakeFinished(std::vector<Row*>* rows) {
  const auto first = std::stable_partition(rows->begin(), rows->end(),
                                           [](const Row* row) { return !row->finished(); });
  std::vector<Row*> finished(first, rows->end());
  rows->erase(first, rows->end());
  return finished;
}

absl::StatusOr<std::vector<Profiles>> PredictAll(Engine* engine, const PredictionTask& task,
                                                 const std::atomic<bool>* interrupted) {
  InFlightTrajectories in_flight;
  Job job(engine, &in_flight, task);
  std::vector<Profiles> all;
  std::vector<Row*> rows, on_their_way;
  while (!job.done()) {
    if (interrupted != nullptr && *interrupted) return absl::CancelledError("interrupted");
    rows.clear();
    job.TakeRunnable(engine->options().max_batch, &rows);
    if (!rows.empty()) UNLASTING_RETURN_IF_ERROR(engine->Step(rows));
    // What the step before finished comes back while the engine is at this one.
    UNLASTING_RETURN_IF_ERROR(engine->Collect(on_their_way));
    job.Return(on_their_way);
    on_their_way = engine->overlaps() ? TakeFinished(&rows) : std::vector<Row*>();
    job.Return(rows);
    while (const auto index = job.NextComplete()) {
      UNLASTING_ASSIGN_OR_RETURN(auto profiles, job.Finish(*index));
      all.push_back(std::move(profiles));
    }
  }
  std::sort(all.begin(), all.end(),
            [](const Profiles& a, const Profiles& b) { return a.perturbation < b.perturbation; });
  return all;
}

}  // namespace unlasting::predict
