// What the server tells Prometheus. Names start with unlasting_ and are in base units; they are a
// contract with dashboards: docs/operations.md and a test list them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/scheduler.h"

namespace unlasting::server {

// Any thread.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // A call of `method` ("Predict") that ended with `status` after `duration`.
  void CountCall(const std::string& method, const absl::Status& status, absl::Duration duration);
  // A Predict call that ended well.
  void CountPrediction(const std::string& model, int64_t rows, const JobTimings& timings);

  // Gauges and histograms of a model's scheduler, labelled with its name; outlives the Metrics'
  // user and belongs to this object. The same name gives the same observer.
  StepObserver* ForModel(const std::string& model);
  // A constant 1 with the version and hash now in service under `model`.
  void SetModelInfo(const std::string& model, const std::string& version, const std::string& hash);

  // Prometheus text format 0.0.4.
  std::string Expose() const;

 private:
  class ModelMetrics;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unlasting::server
