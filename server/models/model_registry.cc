#include "server/models/model_registry.h"

#include <malloc.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "core/base/did_you_mean.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/utf8.h"
#include "server/models/evaluator.h"
#include "server/models/version_policy.h"
#include "server/models/warm_up.h"

namespace unlasting::server {
namespace {

// Frees a model and returns its memory to the system, which malloc would keep.
void Release(ServedModel* model) {
  delete model;
  malloc_trim(0);
}

FileIdentity BundleIdentity(const std::string& directory) {
  return IdentityOf(directory + "/manifest.json");
}

}  // namespace

ModelRegistry::ModelRegistry(const RegistryOptions& options, const Clock* clock, Metrics* metrics)
    : options_(options), clock_(clock), metrics_(metrics) {}

absl::StatusOr<std::shared_ptr<ServedModel>> ModelRegistry::Make(const std::string& name,
                                                                 const std::string& directory) {
  const std::string context = absl::StrCat("bundle ", directory);
  auto bundle = bundle::Bundle::Load(directory, name, options_.bundle_keys);
  if (!bundle.ok()) return Annotate(bundle.status(), context);
  const bundle::Manifest& manifest = (*bundle)->manifest();
  const std::string& served_name = manifest.name;
  // The model card is for people; predictions do not need it.
  std::string card = ReadRegularFile(directory + "/card.md").value_or("");
  predict::EngineOptions options;
  options.device = options_.device;
  options.precision = options_.precision;
  options.threads = options_.threads;
  options.max_batch = options_.scheduler.max_batch;
  auto engine = MakeEngine(options_.evaluator, *bundle, options);
  if (!engine.ok()) return Annotate(engine.status(), context);
  std::vector<MeasuredStep> steps;
  if (options_.warm_up) {
    auto measured = WarmUp(engine->get(), *clock_);
    if (!measured.ok()) return Annotate(measured.status(), context);
    steps = *std::move(measured);
  }
  std::unique_ptr<StepObserver> observer = metrics_->ForModel(served_name, manifest.version);
  auto scheduler =
      std::make_unique<Scheduler>(std::move(*engine), options_.scheduler, clock_, observer.get());
  for (const MeasuredStep& step : steps) scheduler->LearnStepTime(step.rows, step.duration);
  return std::shared_ptr<ServedModel>(new ServedModel(served_name, std::move(card), *bundle,
                                                      std::move(observer), std::move(scheduler)),
                                      Release);
}

absl::StatusOr<std::shared_ptr<ServedModel>> ModelRegistry::Load(const std::string& name,
                                                                 const std::string& directory,
                                                                 bool pinned) {
  MutexLock loading(&loading_);
  // Taken before the files are read, so that a change during the load is seen next time.
  Slot slot{name, directory, pinned, BundleIdentity(directory), nullptr};
  UNLASTING_ASSIGN_OR_RETURN(slot.model, Make(name, directory));
  const std::shared_ptr<ServedModel> model = slot.model;
  MutexLock lock(&mutex_);
  UNLASTING_RETURN_IF_ERROR(CheckFree(*model, nullptr));
  slots_.push_back(std::move(slot));
  PublishInfo();
  return model;
}

absl::Status ModelRegistry::Unload(const std::string& name, const std::string& version) {
  MutexLock loading(&loading_);
  // Declared before the lock, so that it is released after it: freeing a model waits for its
  // current step.
  std::shared_ptr<ServedModel> model;
  MutexLock lock(&mutex_);
  UNLASTING_ASSIGN_OR_RETURN(const size_t index, SlotOf(name, version));
  model = std::move(slots_[index].model);
  slots_.erase(slots_.begin() + static_cast<int64_t>(index));
  draining_.push_back(model);
  PublishInfo();
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<ServedModel>> ModelRegistry::Reload(const std::string& name,
                                                                   const std::string& version) {
  MutexLock loading(&loading_);
  return ReloadSlot(name, version);
}

absl::StatusOr<std::shared_ptr<ServedModel>> ModelRegistry::ReloadSlot(const std::string& name,
                                                                       const std::string& version) {
  Slot slot;
  {
    MutexLock lock(&mutex_);
    UNLASTING_ASSIGN_OR_RETURN(const size_t index, SlotOf(name, version));
    slots_[index].identity = BundleIdentity(slots_[index].directory);
    slot = slots_[index];
  }
  UNLASTING_ASSIGN_OR_RETURN(std::shared_ptr<ServedModel> model,
                             Make(slot.requested_name, slot.directory));
  // Released after the lock: where nothing else holds the old model, it is freed here.
  std::shared_ptr<ServedModel> old = std::move(slot.model);
  MutexLock lock(&mutex_);
  // The slot is still there: `loading_` is held since it was found.
  const auto place = std::find_if(slots_.begin(), slots_.end(),
                                  [&old](const Slot& each) { return each.model == old; });
  UNLASTING_RETURN_IF_ERROR(CheckFree(*model, &*place));
  place->model = model;
  draining_.push_back(old);
  PublishInfo();
  return model;
}

std::vector<ReloadOutcome> ModelRegistry::ReloadChanged() {
  MutexLock loading(&loading_);
  Slots changed;
  {
    MutexLock lock(&mutex_);
    for (const Slot& slot : slots_) {
      const FileIdentity identity = BundleIdentity(slot.directory);
      // A folder that is gone is being replaced or was removed by mistake: the model stays.
      if (identity.exists && identity != slot.identity) changed.push_back(slot);
    }
  }
  std::vector<ReloadOutcome> outcomes;
  for (Slot& slot : changed) {
    const std::string name = slot.model->name();
    const std::string version = slot.model->version();
    slot.model.reset();
    auto model = ReloadSlot(name, version);
    outcomes.push_back({name, slot.directory, model.status(), model.ok() ? *model : nullptr});
  }
  return outcomes;
}

absl::StatusOr<size_t> ModelRegistry::SlotOf(const std::string& name,
                                             const std::string& version) const {
  std::vector<size_t> of_name;
  std::vector<std::string> versions;
  for (size_t k = 0; k < slots_.size(); ++k) {
    if (slots_[k].model->name() != name) continue;
    of_name.push_back(k);
    versions.push_back(slots_[k].model->version());
    if (slots_[k].model->version() == version) return k;
  }
  if (of_name.empty()) {
    return WithReason(absl::NotFoundError(absl::StrCat("model: found '", CutUtf8(name, 200), "'",
                                                       DidYouMean(name, NameList()),
                                                       "; expected one of ", Names())),
                      "UNKNOWN_MODEL");
  }
  if (version.empty() && of_name.size() == 1) return of_name.front();
  const std::string message =
      absl::StrCat("version of model '", name, "': found '", CutUtf8(version, 200),
                   "', expected one of ", absl::StrJoin(versions, ", "));
  return version.empty() ? WithReason(absl::InvalidArgumentError(message), "VERSION_REQUIRED")
                         : WithReason(absl::NotFoundError(message), "UNKNOWN_VERSION");
}

absl::Status ModelRegistry::CheckFree(const ServedModel& model, const Slot* except) const {
  for (const Slot& slot : slots_) {
    if (&slot == except || slot.model->name() != model.name() ||
        slot.model->version() != model.version()) {
      continue;
    }
    return WithReason(
        absl::AlreadyExistsError(absl::StrCat("bundle ", model.bundle()->directory(), ": version ",
                                              model.version(), " of a model named '", model.name(),
                                              "' is already loaded; name it with NAME=DIR")),
        "MODEL_EXISTS");
  }
  return absl::OkStatus();
}

const ModelRegistry::Slot& ModelRegistry::DefaultOf(const std::string& name) const {
  std::vector<const Slot*> of_name;
  std::vector<VersionInfo> versions;
  for (const Slot& slot : slots_) {
    if (slot.model->name() != name) continue;
    of_name.push_back(&slot);
    versions.push_back({slot.model->version(), slot.pinned});
  }
  return *of_name[DefaultVersion(versions)];
}

std::vector<std::string> ModelRegistry::NameList() const {
  std::set<std::string> names;
  for (const Slot& slot : slots_) names.insert(slot.model->name());
  return {names.begin(), names.end()};
}

std::string ModelRegistry::Names() const { return absl::StrJoin(NameList(), ", "); }

void ModelRegistry::PublishInfo() {
  std::vector<ModelInfo> infos;
  for (const Slot& slot : slots_) {
    infos.push_back({slot.model->name(), slot.model->version(), slot.model->bundle()->hash()});
  }
  metrics_->SetModels(infos);
}

absl::StatusOr<std::shared_ptr<ServedModel>> ModelRegistry::Find(const std::string& name,
                                                                 const std::string& version) const {
  MutexLock lock(&mutex_);
  std::string found = name;
  if (name.empty()) {
    for (const Slot& slot : slots_) {
      if (!found.empty() && slot.model->name() != found) {
        return WithReason(
            absl::InvalidArgumentError(absl::StrCat("model: found '', expected one of ", Names())),
            "MODEL_REQUIRED");
      }
      found = slot.model->name();
    }
  }
  const bool known = std::any_of(slots_.begin(), slots_.end(), [&found](const Slot& slot) {
    return slot.model->name() == found;
  });
  if (known && version.empty()) return DefaultOf(found).model;
  UNLASTING_ASSIGN_OR_RETURN(const size_t index, SlotOf(found, version));
  return slots_[index].model;
}

std::vector<ModelRegistry::Listed> ModelRegistry::List() const {
  MutexLock lock(&mutex_);
  std::vector<Listed> models;
  for (const Slot& slot : slots_) {
    models.push_back({slot.model, &slot == &DefaultOf(slot.model->name())});
  }
  std::sort(models.begin(), models.end(), [](const Listed& a, const Listed& b) {
    if (a.model->name() != b.model->name()) return a.model->name() < b.model->name();
    return VersionBefore(a.model->version(), b.model->version());
  });
  return models;
}

void ModelRegistry::WakeAll() {
  // Released after the lock: this may become the last holder of a model.
  std::vector<std::shared_ptr<ServedModel>> models;
  MutexLock lock(&mutex_);
  for (const Slot& slot : slots_) models.push_back(slot.model);
  std::vector<std::weak_ptr<ServedModel>> draining;
  for (const auto& each : draining_) {
    if (auto model = each.lock()) {
      models.push_back(std::move(model));
      draining.push_back(each);
    }
  }
  draining_ = std::move(draining);
  for (const auto& model : models) model->scheduler().Wake();
}

void ModelRegistry::Clear() {
  Slots slots;
  MutexLock lock(&mutex_);
  slots.swap(slots_);
}

}  // namespace unlasting::server
