// The families behind Metrics; what metrics.cc and model_metrics.cc share and nobody else sees.
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
#include "server/metrics/metrics.h"

namespace unlasting::server {

using Counters = prometheus::Family<prometheus::Counter>;
using Gauges = prometheus::Family<prometheus::Gauge>;
using Histograms = prometheus::Family<prometheus::Histogram>;
using Labels = std::map<std::string, std::string>;

// 1 ms to about 17 minutes, by factors of 4.
inline prometheus::Histogram::BucketBoundaries Seconds() {
  return {0.001, 0.004, 0.016, 0.064, 0.256, 1.024, 4.096, 16.384, 65.536, 262.144, 1048.576};
}

inline prometheus::Histogram::BucketBoundaries Rows() {
  return {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
}

inline Labels LabelsOf(const std::string& model, const std::string& version) {
  return {{"model", model}, {"version", version}};
}

struct Metrics::State {
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

  Counters& requests = NewCounters("unlasting_requests_total", "Calls by method and gRPC code.");
  Histograms& request_seconds =
      NewHistograms("unlasting_request_duration_seconds", "Duration of calls by method.");
  Counters& rejected = NewCounters("unlasting_rejected_total", "Calls that failed, by reason.");
  Counters& cancelled =
      NewCounters("unlasting_cancelled_total",
                  "Predict calls that were left or too late, by how far they were.");
  Counters& rows =
      NewCounters("unlasting_rows_total", "Predicted cells delivered by complete calls.");
  Histograms& queue_seconds =
      NewHistograms("unlasting_queue_seconds", "From admission of a call to its first step.");
  Histograms& compute_seconds =
      NewHistograms("unlasting_compute_seconds", "Steps that a call took part in.");
  Histograms& write_seconds =
      NewHistograms("unlasting_stream_write_seconds",
                    "Writing of one message of an answer, flow control included.");
  Counters& steps = NewCounters("unlasting_steps_total", "Steps of the engine.");
  Counters& evaluations =
      NewCounters("unlasting_evaluations_total", "Network evaluations, one per cell and step.");
  Histograms& step_rows = NewHistograms("unlasting_step_rows", "Rows of a step: the batch size.");
  Histograms& step_seconds = NewHistograms("unlasting_step_seconds", "Duration of a step.");
  Gauges& active_slots =
      NewGauges("unlasting_active_slots", "Rows of the latest step; 0 when nothing is to do.");
  Gauges& active_jobs = NewGauges("unlasting_active_jobs", "Calls that share the engine now.");
  Gauges& queued_rows = NewGauges("unlasting_queued_rows", "Rows admitted and not yet predicted.");
  Gauges& queued_bytes = NewGauges("unlasting_queued_bytes", "Bytes that admitted work may need.");
  Counters& latent_lookups = NewCounters("unlasting_latent_cache_lookups_total",
                                         "Latents of control cells asked for: hits and misses.");
  Gauges& latent_bytes =
      NewGauges("unlasting_latent_cache_bytes", "Latents of control cells that are kept.");
  Counters& threshold_lookups =
      NewCounters("unlasting_threshold_cache_lookups_total",
                  "Mask thresholds of the panel asked for: hits and misses.");
  Gauges& threshold_bytes =
      NewGauges("unlasting_threshold_cache_bytes", "Mask thresholds of the panel that are kept.");
  Counters& control_lookups = NewCounters("unlasting_control_set_lookups_total",
                                          "Registered control cells asked for: hits and misses.");
  Gauges& control_bytes =
      NewGauges("unlasting_control_store_bytes", "Bytes of registered control cells.");
  Gauges& incoming_bytes =
      NewGauges("unlasting_incoming_bytes", "Bytes of requests being checked and uploaded.");
  Counters& reloads = NewCounters("unlasting_reloads_total", "Models read again, by result.");
  Gauges& ready = NewGauges("unlasting_ready", "1 while the server takes work.");
  Gauges& model_info = NewGauges("unlasting_model_info", "1 for each model in service.");
  Gauges& build_info = NewGauges("unlasting_build_info", "1 for the version that runs.");
  Gauges& device_memory =
      NewGauges("unlasting_device_memory_bytes", "Memory in use on the device of the models.");
  // A counter by nature; prometheus-cpp's cannot be set.
  Gauges& cpu_seconds =
      NewGauges("unlasting_process_cpu_seconds", "Processor time of this process so far.");
  Gauges& resident_bytes =
      NewGauges("unlasting_process_resident_memory_bytes", "Resident memory of this process.");
  Gauges& open_files = NewGauges("unlasting_process_open_fds", "Open file descriptors.");
  Gauges& max_open_files = NewGauges("unlasting_process_max_fds", "Most that may be open.");
  Gauges& threads = NewGauges("unlasting_process_threads", "Threads of this process.");
  Gauges& start_seconds = NewGauges("unlasting_process_start_time_seconds",
                                    "When this process started, seconds since 1970.");

  Mutex mutex;
  std::vector<prometheus::Gauge*> infos ABSL_GUARDED_BY(mutex);
};

}  // namespace unlasting::server
