// MetricFamilies names every metric of the server, with its help text. It is shared by
// metrics.cc and model_metrics.cc and seen by nobody else: the rest of the server sees no
// prometheus-cpp.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "server/base/mutex.h"

namespace unlasting::server {

using Counters = prometheus::Family<prometheus::Counter>;
using Gauges = prometheus::Family<prometheus::Gauge>;
using Histograms = prometheus::Family<prometheus::Histogram>;
using Labels = std::map<std::string, std::string>;

// Buckets of durations: 1 ms to about 17 minutes, by factors of 4.
inline prometheus::Histogram::BucketBoundaries SecondsBuckets() {
  return {0.001, 0.004, 0.016, 0.064, 0.256, 1.024, 4.096, 16.384, 65.536, 262.144, 1048.576};
}

// Buckets of batch sizes.
inline prometheus::Histogram::BucketBoundaries RowsBuckets() {
  return {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
}

inline Labels LabelsOf(const std::string& model, const std::string& version) {
  return {{"model", model}, {"version", version}};
}

struct MetricFamilies {
  prometheus::Registry registry;

  Counters& NewCounters(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Gauges& NewGauges(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  Histograms& NewHistograms(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }

  Counters& requests =
      NewCounters("unlasting_requests_total", "Completed calls, by method and gRPC status code.");
  Histograms& request_seconds =
      NewHistograms("unlasting_request_duration_seconds", "Duration of calls, by method.");
  Counters& request_errors =
      NewCounters("unlasting_request_errors_total", "Calls that ended with an error, by reason.");
  Counters& cancelled =
      NewCounters("unlasting_cancelled_requests_total",
                  "Predict calls that were cancelled or passed their deadline, by phase.");
  Counters& predicted_cells = NewCounters("unlasting_predicted_cells_total",
                                          "Predicted cells delivered by complete calls.");
  Histograms& queue_seconds = NewHistograms("unlasting_queue_duration_seconds",
                                            "Time from admission of a call to its first step.");
  Histograms& compute_seconds = NewHistograms("unlasting_compute_duration_seconds",
                                              "Duration of all steps that a call took part in.");
  Histograms& write_seconds =
      NewHistograms("unlasting_write_duration_seconds",
                    "Time to write one message of a response stream, flow control included.");
  Counters& steps = NewCounters("unlasting_steps_total", "Steps of the engine.");
  Counters& evaluations =
      NewCounters("unlasting_evaluations_total", "Network evaluations, one per row and step.");
  Histograms& step_rows =
      NewHistograms("unlasting_step_rows", "Rows per step, which is the batch size.");
  Histograms& step_seconds =
      NewHistograms("unlasting_step_duration_seconds", "Duration of a step.");
  Gauges& active_rows =
      NewGauges("unlasting_active_rows", "Rows of the latest step; 0 while the engine is idle.");
  Gauges& active_jobs =
      NewGauges("unlasting_active_jobs", "Calls that share the engine at present.");
  Gauges& queued_rows =
      NewGauges("unlasting_queued_rows", "Rows that are admitted and not yet predicted.");
  Gauges& queued_bytes =
      NewGauges("unlasting_queued_bytes", "Bytes of memory that admitted work may need.");
  Counters& latent_lookups =
      NewCounters("unlasting_latent_cache_lookups_total",
                  "Lookups of control cells' latents in the cache, by result: hit or miss.");
  Gauges& latent_bytes =
      NewGauges("unlasting_latent_cache_bytes", "Bytes of cached latents of control cells.");
  Counters& threshold_lookups =
      NewCounters("unlasting_threshold_cache_lookups_total",
                  "Lookups of the panel's mask thresholds in the cache, by result: hit or miss.");
  Gauges& threshold_bytes =
      NewGauges("unlasting_threshold_cache_bytes", "Bytes of cached mask thresholds of the panel.");
  Counters& control_lookups =
      NewCounters("unlasting_control_set_lookups_total",
                  "Lookups of registered control cells, by result: hit or miss.");
  Gauges& control_bytes =
      NewGauges("unlasting_control_store_bytes", "Bytes of registered control cells.");
  Gauges& request_memory_bytes = NewGauges(
      "unlasting_request_memory_bytes", "Bytes of requests that are being validated or uploaded.");
  Counters& reloads =
      NewCounters("unlasting_model_reloads_total", "Reloads of models, by result: ok or failed.");
  Gauges& ready = NewGauges("unlasting_ready", "1 while the server accepts calls, else 0.");
  Gauges& model_info = NewGauges("unlasting_model_info", "1 for each model in service.");
  Gauges& build_info = NewGauges("unlasting_build_info", "1 for the version that is running.");
  Gauges& device_memory = NewGauges("unlasting_device_memory_bytes",
                                    "Memory in use on each device that models run on.");
  // The names of Prometheus' own client libraries, which dashboards know.
  prometheus::Counter& cpu_seconds =
      NewCounters("process_cpu_seconds_total", "User and system CPU time of this process.").Add({});
  Gauges& resident_bytes =
      NewGauges("process_resident_memory_bytes", "Resident memory of this process.");
  Gauges& open_files = NewGauges("process_open_fds", "Open file descriptors of this process.");
  Gauges& max_open_files =
      NewGauges("process_max_fds", "Maximum number of open file descriptors of this process.");
  Gauges& threads = NewGauges("process_threads", "Threads of this process.");
  Gauges& start_seconds =
      NewGauges("process_start_time_seconds", "Start time of this process, in seconds since 1970.");

  Mutex mutex;
  // Observers of each model and version; the last one takes the series of its labels along.
  std::map<Labels, int> observers ABSL_GUARDED_BY(mutex);
  std::vector<prometheus::Gauge*> infos ABSL_GUARDED_BY(mutex);  // of model_info
};

}  // namespace unlasting::server
