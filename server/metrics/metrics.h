// Metrics counts what the server does, for Prometheus. Names start with unlasting_ (process_ for
// what every program has) and are in base units. They are a promise to dashboards:
// docs/operations.md and a golden file in tests/server/metrics list them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/scheduling/job_listener.h"
#include "server/scheduling/step_observer.h"

namespace unlasting::server {

struct MetricFamilies;

struct ModelInfo {
  std::string model;
  std::string version;
  std::string hash;  // of the bundle
};

// How far a Predict call has come.
enum class CallPhase { kPreparing, kQueued, kRunning, kWriting };

// Values that the server looks up when the metrics are requested.
struct MetricsSample {
  int64_t control_store_bytes = 0;
  int64_t request_memory_bytes = 0;
  bool ready = false;
  // Memory in use on devices that models run on, the CPU excepted, by name ("cuda:0").
  std::map<std::string, int64_t> device_bytes;
};

// Any thread.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // Counts a call of `method` (e.g. "Predict") that ended with `status` after `duration`.
  void CountCall(const std::string& method, const absl::Status& status, absl::Duration duration);
  // Counts a Predict call that was completed.
  void CountPrediction(const std::string& model, const std::string& version, int64_t rows,
                       const JobTimings& timings);
  // Counts a Predict call that was cancelled, or whose deadline passed, in `phase`.
  void CountCancelled(CallPhase phase);
  // Observes the time from handing a message to gRPC until it left for the caller, flow control
  // included.
  void ObserveWrite(absl::Duration duration);
  // Counts a lookup of registered control cells.
  void CountControlLookup(bool found);
  // Counts a reload of a model.
  void CountReload(const std::string& model, bool ok);

  // An observer for one scheduler, whose metrics are labelled with the model's name and version.
  // Observers with the same labels add up. Must not outlive this.
  std::unique_ptr<StepObserver> ForModel(const std::string& model, const std::string& version);
  // Replaces the list of models in service.
  void SetModels(const std::vector<ModelInfo>& models);

  // All metrics, in Prometheus text format 0.0.4.
  std::string Expose(const MetricsSample& sample = {}) const;

 private:
  const std::unique_ptr<MetricFamilies> families_;
};

}  // namespace unlasting::server
