// The models in service, by name.
//
//   UNLASTING_RETURN_IF_ERROR(registry.Load("", "bundles/thp1"));
//   UNLASTING_ASSIGN_OR_RETURN(std::shared_ptr<ServedModel> model, registry.Find(request.model()));
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "core/bundle/bundle.h"
#include "core/predict/engine.h"
#include "server/executor.h"
#include "server/gene_index.h"
#include "server/metrics/metrics.h"
#include "server/mutex.h"

namespace unlasting::server {

// One bundle with the engine and the thread that run it. Stays alive while a call holds it. Must
// not be released on its own executor's thread, which its destructor joins.
class ServedModel {
 public:
  ServedModel(std::string name, std::string card, std::shared_ptr<const bundle::Bundle> bundle,
              std::unique_ptr<Scheduler> scheduler);

  const std::string& name() const { return name_; }
  const std::string& card() const { return card_; }  // Markdown
  const std::shared_ptr<const bundle::Bundle>& bundle() const { return bundle_; }
  const GeneIndex& genes() const { return genes_; }
  Scheduler& scheduler() { return executor_.scheduler(); }

 private:
  const std::string name_;
  const std::string card_;
  const std::shared_ptr<const bundle::Bundle> bundle_;
  const GeneIndex genes_;
  Executor executor_;
};

struct RegistryOptions {
  std::string device = "auto";  // EngineOptions.device
  int threads = 2;
  SchedulerOptions scheduler;
};

// Any thread.
class ModelRegistry {
 public:
  // `clock` and `metrics` outlive the registry.
  ModelRegistry(const RegistryOptions& options, const Clock* clock, Metrics* metrics);

  // Loads a bundle and puts it in service under `name`, or its own name where that is "". The
  // bundle's errors, annotated with the folder; ALREADY_EXISTS where the name is taken.
  absl::Status Load(const std::string& name, const std::string& directory);

  // "" means the only model. NOT_FOUND with reason UNKNOWN_MODEL, INVALID_ARGUMENT with reason
  // MODEL_REQUIRED where "" is ambiguous; both list the names there are.
  absl::StatusOr<std::shared_ptr<ServedModel>> Find(const std::string& name) const;
  // Sorted by name.
  std::vector<std::shared_ptr<ServedModel>> List() const;
  // Releases all models; calls that hold one keep it.
  void Clear();

 private:
  const RegistryOptions options_;
  const Clock* const clock_;
  Metrics* const metrics_;
  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<ServedModel>> models_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unlasting::server
