// What the server tells Prometheus. Names start with unlasting_ and are in base units; they are a
// contract with dashboards: docs/operations.md and a golden file in tests/server list them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/scheduling/scheduler.h"

namespace unlasting::server {

struct ModelInfo {
  std::string model;
  std::string version;
  std::string hash;
};

// How far a call was when it was cancelled or its deadline passed.
enum class CallPhase { kPreparing, kQueued, kRunning, kWriting };

// What is looked up when somebody asks for the metrics.
struct MetricsSample {
  int64_t control_store_bytes = 0;
  int64_t incoming_bytes = 0;
  bool ready = false;
  // In use on the devices other than the CPU that models run on, by name ("cuda:0").
  std::map<std::string, int64_t> device_bytes;
};

// Any thread.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // A call of `method` ("Predict") that ended with `status` after `duration`.
  void CountCall(const std::string& method, const absl::Status& status, absl::Duration duration);
  // A Predict call that ended well.
  void CountPrediction(const std::string& model, const std::string& version, int64_t rows,
                       const JobTimings& timings);
  // A Predict call that the caller left or that came too late.
  void CountCancelled(CallPhase phase);
  // From handing a message to gRPC to its leaving for the caller, flow control included.
  void ObserveWrite(absl::Duration duration);
  // A Predict call that named registered control cells.
  void CountControlLookup(bool found);
  // A model was read again.
  void CountReload(const std::string& model, bool ok);

  // Gauges and histograms of one scheduler, labelled with its model's name and version. Several of
  // the same labels add up. Must not outlive the Metrics.
  std::unique_ptr<StepObserver> ForModel(const std::string& model, const std::string& version);
  // All models in service, each a constant 1.
  void SetModels(const std::vector<ModelInfo>& models);

  // Prometheus text format 0.0.4.
  std::string Expose(const MetricsSample& sample = {}) const;

 private:
  class ModelMetrics;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unlasting::server
