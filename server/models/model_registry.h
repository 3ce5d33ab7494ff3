// The models in service, by name and version.
//
//   UNLASTING_RETURN_IF_ERROR(registry.Load("", "bundles/thp1").status());
//   UNLASTING_ASSIGN_OR_RETURN(std::shared_ptr<ServedModel> model, registry.Find(request.model()));
//
// A model is: loading -> warming up -> in service -> draining (calls hold it, no new ones get it)
// -> freed. Only a model that is loaded and warm takes the place of another; whatever fails before
// that leaves the one in service as it is.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "core/bundle/bundle.h"
#include "core/cells/gene_index.h"
#include "core/predict/engine/engine.h"
#include "server/base/file_identity.h"
#include "server/base/mutex.h"
#include "server/metrics/metrics.h"
#include "server/scheduling/executor.h"

namespace unlasting::server {

// One bundle with the engine and the thread that run it. Stays alive while a call holds it. Must
// not be released on its own executor's thread, which its destructor joins.
class ServedModel {
 public:
  ServedModel(std::string name, std::string card, std::shared_ptr<const bundle::Bundle> bundle,
              std::unique_ptr<StepObserver> observer, std::unique_ptr<Scheduler> scheduler);

  const std::string& name() const { return name_; }
  const std::string& version() const { return bundle_->manifest().version; }
  const std::string& card() const { return card_; }  // Markdown
  const std::shared_ptr<const bundle::Bundle>& bundle() const { return bundle_; }
  const cells::GeneIndex& genes() const { return genes_; }
  Scheduler& scheduler() { return executor_.scheduler(); }

 private:
  const std::string name_;
  const std::string card_;
  const std::shared_ptr<const bundle::Bundle> bundle_;
  const cells::GeneIndex genes_;
  const std::unique_ptr<StepObserver> observer_;  // the scheduler's
  Executor executor_;
};

struct RegistryOptions {
  std::string device = "auto";  // EngineOptions.device
  int threads = 2;
  bool warm_up = true;
  SchedulerOptions scheduler;
};

// What a folder's reload came to.
struct ReloadOutcome {
  std::string name;
  std::string directory;
  absl::Status status;  // on an error the old model is still in service
  std::shared_ptr<ServedModel> model;
};

// Any thread. Loading is one at a time; finding never waits for it.
class ModelRegistry {
 public:
  struct Listed {
    std::shared_ptr<ServedModel> model;
    bool default_version = false;
  };

  // `clock` and `metrics` outlive the registry and all models.
  ModelRegistry(const RegistryOptions& options, const Clock* clock, Metrics* metrics);

  // Loads a bundle, warms it up and puts it in service under `name`, or its own name where that is
  // "". The bundle's errors, annotated with the folder; ALREADY_EXISTS with reason MODEL_EXISTS
  // where the name has that version.
  absl::StatusOr<std::shared_ptr<ServedModel>> Load(const std::string& name,
                                                    const std::string& directory,
                                                    bool pinned = false);
  // `version` "" is the only one of the name; INVALID_ARGUMENT with reason VERSION_REQUIRED where
  // there are several, NOT_FOUND with reason UNKNOWN_MODEL or UNKNOWN_VERSION.
  absl::Status Unload(const std::string& name, const std::string& version);
  // Reads the model's folder again. On an error the old one stays in service.
  absl::StatusOr<std::shared_ptr<ServedModel>> Reload(const std::string& name,
                                                      const std::string& version);
  // Reloads every model whose folder leads elsewhere than when it was last looked at. A folder that
  // could not be loaded is tried again when it changes again.
  std::vector<ReloadOutcome> ReloadChanged();

  // Name "" means the only name, version "" its default version. NOT_FOUND with reason
  // UNKNOWN_MODEL or UNKNOWN_VERSION, INVALID_ARGUMENT with reason MODEL_REQUIRED where "" is
  // ambiguous; all list what there is.
  absl::StatusOr<std::shared_ptr<ServedModel>> Find(const std::string& name,
                                                    const std::string& version = "") const;
  // Sorted by name, then by version, oldest first.
  std::vector<Listed> List() const;
  // Has every scheduler look at its jobs.
  void WakeAll();
  // Releases all models; calls that hold one keep it.
  void Clear();

 private:
  struct Slot {
    std::string requested_name;  // "": the bundle's own
    std::string directory;
    bool pinned = false;
    FileIdentity identity;  // of the folder's manifest when it was last loaded or tried
    std::shared_ptr<ServedModel> model;
  };
  // Slots are few; a name's are found by going through them.
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
