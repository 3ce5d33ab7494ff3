#include "server/model_registry.h"

#include <utility>

#include "absl/strings/str_join.h"
#include "core/base/file.h"
#include "core/base/status.h"

namespace unlasting::server {

ServedModel::ServedModel(std::string name, std::string card,
                         std::shared_ptr<const bundle::Bundle> bundle,
                         std::unique_ptr<Scheduler> scheduler)
    : name_(std::move(name)),
      card_(std::move(card)),
      bundle_(std::move(bundle)),
      genes_(bundle_->manifest()),
      executor_(std::move(scheduler)) {}

ModelRegistry::ModelRegistry(const RegistryOptions& options, const Clock* clock, Metrics* metrics)
    : options_(options), clock_(clock), metrics_(metrics) {}

absl::Status ModelRegistry::Load(const std::string& name, const std::string& directory) {
  auto bundle = bundle::Bundle::Load(directory);
  if (!bundle.ok()) return Annotate(bundle.status(), absl::StrCat("bundle ", directory));
  const std::string& served_name = name.empty() ? (*bundle)->manifest().name : name;
  // A model card is for readers; its absence harms no prediction.
  std::string card = ReadFile(directory + "/card.md").value_or("");
  predict::EngineOptions options;
  options.device = options_.device;
  options.threads = options_.threads;
  options.max_batch = options_.scheduler.max_batch;
  auto engine = predict::Engine::Create(*bundle, options);
  if (!engine.ok()) return Annotate(engine.status(), absl::StrCat("bundle ", directory));
  auto scheduler = std::make_unique<Scheduler>(std::move(*engine), options_.scheduler, clock_,
                                               metrics_->ForModel(served_name));
  auto model =
      std::make_shared<ServedModel>(served_name, std::move(card), *bundle, std::move(scheduler));
  MutexLock lock(&mutex_);
  if (!models_.emplace(served_name, model).second) {
    return WithReason(absl::AlreadyExistsError(
                          absl::StrCat("bundle ", directory, ": a model named '", served_name,
                                       "' is already loaded; name it with NAME=DIR")),
                      "MODEL_EXISTS");
  }
  metrics_->SetModelInfo(served_name, (*bundle)->manifest().version, (*bundle)->hash());
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<ServedModel>> ModelRegistry::Find(const std::string& name) const {
  MutexLock lock(&mutex_);
  const auto list = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return absl::StrJoin(models_, ", ",
                         [](std::string* out, const auto& entry) { out->append(entry.first); });
  };
  if (name.empty()) {
    if (models_.size() == 1) return models_.begin()->second;
    return WithReason(
        absl::InvalidArgumentError(absl::StrCat("model: found '', expected one of ", list())),
        "MODEL_REQUIRED");
  }
  const auto found = models_.find(name);
  if (found != models_.end()) return found->second;
  return WithReason(absl::NotFoundError(absl::StrCat("model: found '", name.substr(0, 200),
                                                     "', expected one of ", list())),
                    "UNKNOWN_MODEL");
}

std::vector<std::shared_ptr<ServedModel>> ModelRegistry::List() const {
  MutexLock lock(&mutex_);
  std::vector<std::shared_ptr<ServedModel>> models;
  for (const auto& [name, model] : models_) models.push_back(model);
  return models;
}

void ModelRegistry::Clear() {
  std::map<std::string, std::shared_ptr<ServedModel>> models;
  MutexLock lock(&mutex_);
  models.swap(models_);
}

}  // namespace unlasting::server
