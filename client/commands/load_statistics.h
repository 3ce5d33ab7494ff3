// LoadStatistics sums up what `unlasting load` measured: percentiles of times, and failures by
// reason.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace unlasting::client {

// The smallest value that at least `share` of all reach (nearest rank); 0 where there are none.
double Percentile(std::vector<double> values, double share);

struct LoadSample {
  int64_t cells = 0;
  bool ok = false;
  std::string reason;  // of a failure, or its code
  // Seconds. From when the call was due, so that a slow server is not spared the calls that it
  // delayed, to its last message; then the server's own account.
  double latency = 0;
  double queue = 0;
  double compute = 0;
};

// One thread at a time.
class LoadStatistics {
 public:
  void Add(LoadSample sample) { samples_.push_back(std::move(sample)); }

  // {"calls", "failed", "failures": {reason: n}, "cells_per_second", "calls_per_second",
  //  "latency_seconds": {"p50", "p90", "p99", "max", "mean"}, "queue_seconds", "compute_seconds",
  //  "by_cells": {"16": {"calls", "latency_seconds"}}}; times are of calls that went well.
  nlohmann::json Summarize(double seconds) const;

 private:
  std::vector<LoadSample> samples_;
};

}  // namespace unlasting::client
