// A job's cells on their way: to the latent, back under each perturbation, alone or in company.
#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/predict/job/job_state.h"

namespace unlasting::predict {

Job::State::~State() {
  for (const auto& [raw, path] : paths) {
    auto& waiters = path->waiters;
    waiters.erase(std::remove_if(waiters.begin(), waiters.end(),
                                 [this](const Path::Waiter& each) { return each.job == this; }),
                  waiters.end());
    if (path->taken_by != this) continue;
    // A step that did not come back: its rows are spoilt for everybody, and stay taken so that
    // nobody moves them.
    if (path->in_work != nullptr) {
      path->in_work->Remove(path->key);
      path->in_work = nullptr;
    }
    const std::vector<Path::Waiter> others = std::exchange(waiters, {});
    for (const Path::Waiter& each : others) {
      each.job->paths.erase(raw);
      each.job->Fail(absl::InternalError("engine: a step shared with another request failed"));
    }
  }
}

void Job::State::StartLatents() {
  latent.resize(cells());
  ContentCache* cache = options.random_latent ? nullptr : engine->latents();
  if (cache != nullptr && cache->enabled()) {
    for (int cell = 0; cell < cells(); ++cell) {
      latent_key.push_back(ContentCache::LatentKey(options.solver, options.solver_steps,
                                                   cell_type[cell], control_units->Row(cell)));
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

bool Job::State::TakeCachedLatent(int cell, ContentCache::Look look) {
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

void Job::State::LatentReady(int cell) {
  for (int p = 0; p < static_cast<int>(targets.size()); ++p) {
    if (!Decodes(cell, p)) continue;
    targets[p].startable.push_back(cell);
    ++startable;
  }
  first_startable = 0;
}

std::shared_ptr<Path> Job::State::JoinOrBegin(const std::string& key, const Path::Waiter& waiter) {
  std::shared_ptr<Path> path;
  if (!key.empty()) path = engine->in_work().Find(key);
  if (path != nullptr) {
    // Steps that others have made.
    evaluations_total -= path->step;
    evaluations_left -= path->step;
  } else {
    path = std::make_shared<Path>();
    path->kept_plan = plan;
    path->cell_type = cell_type[waiter.cell];
    if (!key.empty()) {
      path->key = key;
      path->in_work = &engine->in_work();
      path->in_work->Add(key, path);
    }
  }
  path->waiters.push_back(waiter);
  paths.emplace(path.get(), path);
  return path;
}

std::shared_ptr<Path> Job::State::StartInversion() {
  const int cell = to_invert.front();
  to_invert.pop_front();
  const std::string key = latent_key.empty() ? "" : latent_key[cell];
  // Another job may have made it since.
  const bool in_work = !key.empty() && engine->in_work().Find(key) != nullptr;
  if (!in_work && TakeCachedLatent(cell, ContentCache::Look::kAgain)) return nullptr;
  std::shared_ptr<Path> path = JoinOrBegin(key, {this, cell, kInversion});
  if (path->plan == nullptr) {
    path->plan = &plan->invert;
    const auto row = control_units->Row(cell);
    path->x.assign(row.begin(), row.end());
  }
  return path;
}

std::shared_ptr<Path> Job::State::StartDecode(int perturbation) {
  Target& target = targets[perturbation];
  const int cell = target.startable.front();
  target.startable.pop_front();
  --startable;
  if (cell >= visible && ThresholdsTurnedUp(perturbation, cell_type[cell])) return nullptr;
  // Only the panel's cells are sure to be wanted by others; with noise each seed has its own.
  std::string key;
  if (cell >= visible && !latent_key.empty() && noise_name.empty()) {
    key = absl::StrCat(latent_key[cell], "/", ThresholdKey(perturbation, cell_type[cell]));
  }
  std::shared_ptr<Path> path = JoinOrBegin(key, {this, cell, perturbation});
  if (path->plan == nullptr) {
    path->plan = &plan->decode;
    path->kept_controls = control_units;
    path->control = control_units->Row(cell).data();
    path->kept_perturbation = perturbations[perturbation];
    path->perturbation = path->kept_perturbation.get();
    path->x = latent[cell];
    if (!noise_name.empty()) path->noise_key = NoiseKey(perturbation, cell);
  }
  if (path->finished()) {
    path->waiters.clear();
    Arrive({this, cell, perturbation}, path);
    return nullptr;
  }
  return path;
}

void Job::State::Take(const std::shared_ptr<Path>& path, std::vector<Row*>* rows) {
  path->taken_by = this;
  ++taken;
  rows->push_back(path.get());
}

void Job::State::Return(Path* path) {
  path->taken_by = nullptr;
  --taken;
  for (const Path::Waiter& each : path->waiters) --each.job->evaluations_left;
  const std::shared_ptr<Path> kept = paths.at(path);
  if (!path->finished()) {
    resting.push_back(kept);
    return;
  }
  const std::vector<Path::Waiter> waiters = std::exchange(path->waiters, {});
  if (path->perturbation == nullptr && !path->key.empty()) {
    // From here on the cache has it.
    engine->latents()->Insert(path->key, path->x);
    path->in_work->Remove(path->key);
    path->in_work = nullptr;
  }
  for (const Path::Waiter& each : waiters) each.job->Arrive(each, kept);
}

void Job::State::Arrive(const Path::Waiter& waiter, const std::shared_ptr<Path>& path) {
  paths.erase(path.get());
  if (waiter.perturbation_index == kInversion) {
    latent[waiter.cell] = path->x;
    LatentReady(waiter.cell);
    return;
  }
  Target& target = targets[waiter.perturbation_index];
  target.x[waiter.cell] = path->x;
  if (!path->key.empty()) target.panel.push_back(path);
  RowIsIn(waiter.perturbation_index);
}

void Job::State::RowIsIn(int perturbation) {
  if (--targets[perturbation].rows_left == 0) complete.push_back(perturbation);
}

}  // namespace unlasting::predict
