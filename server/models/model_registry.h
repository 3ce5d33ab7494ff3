// A ModelRegistry holds the models in service, by name and version, for calls to find and operators
// to load, reload and unload.
//
//   UNLASTING_RETURN_IF_ERROR(registry.Load("", "bundles/thp1").status());
//   UNLASTING_ASSIGN_OR_RETURN(std::shared_ptr<ServedModel> model, registry.Find(request.model()));
//
// States of a model: loading -> warming up -> in service -> draining (calls hold it, new calls do
// not get it) -> freed. Only a model that is loaded and warm replaces another; a failure before
// that leaves the model in service as it is.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "server/base/clock.h"
#include "server/base/file_identity.h"
#include "server/base/mutex.h"
#include "server/metrics/metrics.h"
#include "server/models/served_model.h"
#include "server/scheduling/scheduler.h"

namespace unlasting::server {

struct RegistryOptions {
  std::string bundle_keys;          // of Bundle::Load; "": bundles need no signature
  std::string evaluator = "fused";  // of MakeEngine (evaluator.h)
  std::string device = "auto";      // EngineOptions.device
  std::string precision = "auto";   // EngineOptions.precision
  int threads = 2;
  bool warm_up = true;
  SchedulerOptions scheduler;
};

// The outcome of reloading a changed folder.
struct ReloadOutcome {
  std::string name;
  std::string directory;
  absl::Status status;                 // on an error the old model stays in service
  std::shared_ptr<ServedModel> model;  // null on an error
};

// Any thread. Loads are made one at a time; Find never waits for them.
class ModelRegistry {
 public:
  struct Listed {
    std::shared_ptr<ServedModel> model;
    bool default_version = false;
  };

  // `clock` and `metrics` outlive the registry and all models.
  ModelRegistry(const RegistryOptions& options, const Clock* clock, Metrics* metrics);

  // Loads a bundle, warms it up and puts it in service under `name`, or under its own name where
  // `name` is "". `pinned`: see DefaultVersion. Errors: those of the bundle, annotated with the
  // folder; ALREADY_EXISTS with reason MODEL_EXISTS where the name has that version already.
  absl::StatusOr<std::shared_ptr<ServedModel>> Load(const std::string& name,
                                                    const std::string& directory,
                                                    bool pinned = false);
  // Takes a model out of service. `version` may be "" where the name has only one. Errors:
  // INVALID_ARGUMENT with reason VERSION_REQUIRED where it has several, NOT_FOUND with reason
  // UNKNOWN_MODEL or UNKNOWN_VERSION.
  absl::Status Unload(const std::string& name, const std::string& version);
  // Loads the model's folder again. Errors: those of Load and Unload; the old model then stays in
  // service.
  absl::StatusOr<std::shared_ptr<ServedModel>> Reload(const std::string& name,
                                                      const std::string& version);
  // Reloads every model whose folder has changed since it was last loaded or tried. A folder that
  // could not be loaded is tried again once it changes again.
  std::vector<ReloadOutcome> ReloadChanged();

  // `name` may be "" where there is only one name; `version` "" is the default version. Errors:
  // NOT_FOUND with reason UNKNOWN_MODEL or UNKNOWN_VERSION, INVALID_ARGUMENT with reason
  // MODEL_REQUIRED where "" is ambiguous. Their messages list what there is.
  absl::StatusOr<std::shared_ptr<ServedModel>> Find(const std::string& name,
                                                    const std::string& version = "") const;
  // Sorted by name, then by version, oldest first.
  std::vector<Listed> List() const;
  // Wakes the scheduler of every model, draining ones included, so that it looks at its jobs.
  void WakeAll();
  // Takes all models out of service; calls that hold one keep it.
  void Clear();

 private:
  struct Slot {
    std::string requested_name;  // "": the bundle's own name
    std::string directory;
    bool pinned = false;
    FileIdentity identity;  // of the manifest when the folder was last loaded or tried
    std::shared_ptr<ServedModel> model;
  };
  // There are few slots, so that those of a name are found by going through all.
  using Slots = std::vector<Slot>;

  absl::StatusOr<std::shared_ptr<ServedModel>> Make(const std::string& name,
                                                    const std::string& directory);
  absl::StatusOr<std::shared_ptr<ServedModel>> ReloadSlot(const std::string& name,
                                                          const std::string& version)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loading_);
  absl::StatusOr<size_t> SlotOf(const std::string& name, const std::string& version) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckFree(const ServedModel& model, const Slot* except) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const Slot& DefaultOf(const std::string& name) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<std::string> NameList() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string Names() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PublishInfo() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const RegistryOptions options_;
  const Clock* const clock_;
  Metrics* const metrics_;
  Mutex loading_;  // held while a bundle is loaded; taken before mutex_
  mutable Mutex mutex_;
  Slots slots_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<ServedModel>> draining_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unlasting::server
