// A job's trajectories: from each control cell to its latent, and from there to the predicted cell
// under each perturbation, by itself or together with other jobs that need the same.
#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/predict/job/job_state.h"

namespace unlasting::predict {

JobState::~JobState() {
  for (const auto& [raw, trajectory] : trajectories) {
    auto& waiters = trajectory->waiters;
    waiters.erase(
        std::remove_if(waiters.begin(), waiters.end(),
                       [this](const Trajectory::Waiter& each) { return each.job == this; }),
        waiters.end());
    if (trajectory->taken_by != this) continue;
    // The step that this row was handed out to did not return: the row is spoilt for every job, and
    // stays taken so that none of them advances it.
    if (trajectory->in_flight != nullptr) {
      trajectory->in_flight->Remove(trajectory->key);
      trajectory->in_flight = nullptr;
    }
    const std::vector<Trajectory::Waiter> others = std::exchange(waiters, {});
    for (const Trajectory::Waiter& each : others) {
      each.job->OnTrajectoryLost(
          raw, absl::InternalError("engine: a step shared with another request failed"));
    }
  }
}

void JobState::StartLatents() {
  latent.resize(cells());
  ContentCache* cache = options.random_latent ? nullptr : engine->latents();
  if (cache != nullptr && cache->enabled()) {
    for (int cell = 0; cell < cells(); ++cell) {
      latent_key.push_back(LatentKey(cell));
    }
  }
  for (int cell = 0; cell < cells(); ++cell) {
    if (!options.random_latent) {
      if (!TakeCachedLatent(cell, ContentCache::Look::kFirst)) to_invert.push_back(cell);
      continue;
    }
    std::mt19937_64 random(options.seed * 1000003 + cell);
    std::normal_distribution<float> normal;
    latent[cell].resize(control_units->cols);
    for (float& value : latent[cell]) value = normal(random);
    LatentReady(cell);
  }
}

bool JobState::TakeCachedLatent(int cell, ContentCache::Look look) {
  if (latent_key.empty()) return false;
  auto found = engine->latents()->Find(latent_key[cell], look);
  if (!found.has_value()) return false;
  latent[cell] = *std::move(found);
  const auto saved = static_cast<int64_t>(plan->invert.size());
  evaluations_total -= saved;
  evaluations_left -= saved;
  LatentReady(cell);
  return true;
}

void JobState::LatentReady(int cell) {
  cells_with_latent.push_back(cell);
  for (int p = 0; p < static_cast<int>(targets.size()); ++p)
    ready_cells += Decodes(cell, p) ? 1 : 0;
  first_ready_target = 0;
}

int JobState::ReadyCell(int perturbation) {
  int& next = targets[perturbation].next_ready;
  const auto found = static_cast<int>(cells_with_latent.size());
  while (next < found && !Decodes(cells_with_latent[next], perturbation)) ++next;
  return next < found ? cells_with_latent[next] : -1;
}

std::shared_ptr<Trajectory> JobState::JoinOrBegin(const std::string& key,
                                                  const Trajectory::Waiter& waiter) {
  std::shared_ptr<Trajectory> trajectory;
  if (!key.empty()) trajectory = in_flight->Find(key);
  if (trajectory != nullptr) {
    // The steps that other jobs have made are saved; one that has not come back from its last step
    // tells of it yet.
    const int told = trajectory->step - (trajectory->on_its_way() ? 1 : 0);
    evaluations_total -= told;
    evaluations_left -= told;
  } else {
    trajectory = std::make_shared<Trajectory>();
    trajectory->kept_plan = plan;
    trajectory->cell_type = TrainedType(cell_type[waiter.cell]);
    trajectory->kept_context = ContextOf(cell_type[waiter.cell]) == nullptr ? nullptr : new_context;
    trajectory->context = trajectory->kept_context.get();
    if (!key.empty()) {
      trajectory->key = key;
      trajectory->in_flight = in_flight;
      trajectory->in_flight->Add(key, trajectory);
    }
  }
  trajectory->waiters.push_back(waiter);
  trajectories.emplace(trajectory.get(), trajectory);
  return trajectory;
}

std::shared_ptr<Trajectory> JobState::StartInversion() {
  const int cell = to_invert.front();
  to_invert.pop_front();
  const std::string key = latent_key.empty() ? "" : latent_key[cell];
  // Another job may have cached the latent since this one began.
  const bool under_way = !key.empty() && in_flight->Find(key) != nullptr;
  if (!under_way && TakeCachedLatent(cell, ContentCache::Look::kAgain)) return nullptr;
  std::shared_ptr<Trajectory> trajectory = JoinOrBegin(key, {this, cell, kInversion});
  if (trajectory->plan == nullptr) {
    trajectory->plan = &plan->invert;
    const auto row = control_units->Row(cell);
    trajectory->x.assign(row.begin(), row.end());
  }
  return trajectory;
}

std::shared_ptr<Trajectory> JobState::StartDecode(int perturbation) {
  Target& target = targets[perturbation];
  const int cell = ReadyCell(perturbation);
  ++target.next_ready;
  --ready_cells;
  if (cell >= request_cells && TakeLateThresholds(perturbation, cell_type[cell])) return nullptr;
  // Only the panel's cells are likely to be wanted by other jobs; with noise, each seed has its
  // own.
  std::string key;
  if (cell >= request_cells && !latent_key.empty() && noise_name.empty()) {
    key = absl::StrCat(latent_key[cell], "/", ThresholdKey(perturbation, cell_type[cell]));
  }
  std::shared_ptr<Trajectory> trajectory = JoinOrBegin(key, {this, cell, perturbation});
  if (trajectory->plan == nullptr) {
    trajectory->plan = &plan->decode;
    trajectory->kept_controls = control_units;
    trajectory->control = control_units->Row(cell).data();
    trajectory->kept_perturbation = perturbations[perturbation];
    trajectory->perturbation = trajectory->kept_perturbation.get();
    trajectory->x = latent[cell];
    if (!noise_name.empty()) trajectory->noise_key = NoiseKey(perturbation, cell);
  }
  if (trajectory->finished() && !trajectory->on_its_way()) {
    trajectory->waiters.clear();
    OnTrajectoryFinished(cell, perturbation, trajectory);
    return nullptr;
  }
  return trajectory;
}

void JobState::Take(const std::shared_ptr<Trajectory>& trajectory, std::vector<Row*>* rows) {
  trajectory->taken_by = this;
  ++taken;
  rows->push_back(trajectory.get());
}

void JobState::Return(Trajectory* trajectory) {
  trajectory->taken_by = nullptr;
  --taken;
  for (const Trajectory::Waiter& each : trajectory->waiters) each.job->OnStep();
  const std::shared_ptr<Trajectory> kept = trajectories.at(trajectory);
  if (!trajectory->finished()) {
    idle_trajectories.push_back(kept);
    return;
  }
  const std::vector<Trajectory::Waiter> waiters = std::exchange(trajectory->waiters, {});
  if (trajectory->perturbation == nullptr && !trajectory->key.empty()) {
    // From here on, other jobs find the latent in the cache.
    engine->latents()->Insert(trajectory->key, trajectory->x);
    trajectory->in_flight->Remove(trajectory->key);
    trajectory->in_flight = nullptr;
  }
  for (const Trajectory::Waiter& each : waiters) {
    each.job->OnTrajectoryFinished(each.cell, each.perturbation_index, kept);
  }
}

void JobState::OnTrajectoryFinished(int cell, int perturbation_index,
                                    const std::shared_ptr<Trajectory>& trajectory) {
  trajectories.erase(trajectory.get());
  if (perturbation_index == kInversion) {
    latent[cell] = trajectory->x;
    LatentReady(cell);
    return;
  }
  Target& target = targets[perturbation_index];
  if (target.x.empty()) target.x.resize(cells());
  target.x[cell] = trajectory->x;
  if (!trajectory->key.empty()) target.panel.push_back(trajectory);
  MarkRowDone(perturbation_index);
}

void JobState::OnTrajectoryLost(Trajectory* trajectory, const absl::Status& why) {
  trajectories.erase(trajectory);
  Fail(why);
}

void JobState::MarkRowDone(int perturbation) {
  if (--targets[perturbation].rows_left == 0) complete.push_back(perturbation);
}

}  // namespace unlasting::predict
