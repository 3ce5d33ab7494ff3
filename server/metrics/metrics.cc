#include "server/metrics/metrics.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"
#include "server/metrics/process.h"
#include "server/mutex.h"

namespace unlasting::server {
namespace {

using Counters = prometheus::Family<prometheus::Counter>;
using Gauges = prometheus::Family<prometheus::Gauge>;
using Histograms = prometheus::Family<prometheus::Histogram>;
using Labels = std::map<std::string, std::string>;

// 1 ms to about 17 minutes, by factors of 4.
prometheus::Histogram::BucketBoundaries Seconds() {
  return {0.001, 0.004, 0.016, 0.064, 0.256, 1.024, 4.096, 16.384, 65.536, 262.144, 1048.576};
}

prometheus::Histogram::BucketBoundaries Rows() {
  return {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
}

const char* PhaseName(CallPhase phase) {
  switch (phase) {
    case CallPhase::kPreparing:
      return "preparing";
    case CallPhase::kQueued:
      return "queued";
    case CallPhase::kRunning:
      return "running";
    case CallPhase::kWriting:
      return "writing";
  }
  return "";
}

Labels LabelsOf(const std::string& model, const std::string& version) {
  return {{"model", model}, {"version", version}};
}

}  // namespace

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
  Gauges& most_open_files = NewGauges("unlasting_process_max_fds", "Most that may be open.");
  Gauges& threads = NewGauges("unlasting_process_threads", "Threads of this process.");
  Gauges& start_seconds = NewGauges("unlasting_process_start_time_seconds",
                                    "When this process started, seconds since 1970.");

  Mutex mutex;
  std::vector<prometheus::Gauge*> infos ABSL_GUARDED_BY(mutex);
};

class Metrics::ModelMetrics : public StepObserver {
 public:
  ModelMetrics(State* state, const Labels& labels)
      : steps_(state->steps.Add(labels)),
        evaluations_(state->evaluations.Add(labels)),
        step_rows_(state->step_rows.Add(labels, Rows())),
        step_seconds_(state->step_seconds.Add(labels, Seconds())),
        slots_{state->active_slots.Add(labels), 0},
        jobs_{state->active_jobs.Add(labels), 0},
        rows_{state->queued_rows.Add(labels), 0},
        bytes_{state->queued_bytes.Add(labels), 0} {}

  ~ModelMetrics() override { OnLoad({}); }

  void OnStep(int64_t rows, absl::Duration duration) override {
    steps_.Increment();
    evaluations_.Increment(static_cast<double>(rows));
    step_rows_.Observe(static_cast<double>(rows));
    step_seconds_.Observe(absl::ToDoubleSeconds(duration));
  }

  void OnLoad(const SchedulerLoad& load) override {
    slots_.Set(load.step_rows);
    jobs_.Set(load.jobs);
    rows_.Set(load.queued_rows);
    bytes_.Set(load.queued_bytes);
  }

 private:
  // This scheduler's share of a gauge: while a model drains, its successor has the same labels.
  struct Share {
    prometheus::Gauge& gauge;
    int64_t value;

    void Set(int64_t next) {
      gauge.Increment(static_cast<double>(next - value));
      value = next;
    }
  };

  prometheus::Counter& steps_;
  prometheus::Counter& evaluations_;
  prometheus::Histogram& step_rows_;
  prometheus::Histogram& step_seconds_;
  Share slots_;
  Share jobs_;
  Share rows_;
  Share bytes_;
};

Metrics::Metrics() : state_(std::make_unique<State>()) {
  state_->build_info.Add({{"version", kVersion}}).Set(1);
}
Metrics::~Metrics() = default;

void Metrics::CountCall(const std::string& method, const absl::Status& status,
                        absl::Duration duration) {
  state_->requests.Add({{"method", method}, {"code", absl::StatusCodeToString(status.code())}})
      .Increment();
  state_->request_seconds.Add({{"method", method}}, Seconds())
      .Observe(absl::ToDoubleSeconds(duration));
  if (status.ok()) return;
  const std::string reason = ReasonOf(status);
  state_->rejected
      .Add({{"reason", reason.empty() ? absl::StatusCodeToString(status.code()) : reason}})
      .Increment();
}

void Metrics::CountPrediction(const std::string& model, const std::string& version, int64_t rows,
                              const JobTimings& timings) {
  const Labels labels = LabelsOf(model, version);
  state_->rows.Add(labels).Increment(static_cast<double>(rows));
  state_->queue_seconds.Add(labels, Seconds()).Observe(absl::ToDoubleSeconds(timings.queue));
  state_->compute_seconds.Add(labels, Seconds()).Observe(absl::ToDoubleSeconds(timings.compute));
}

void Metrics::CountCancelled(CallPhase phase) {
  state_->cancelled.Add({{"phase", PhaseName(phase)}}).Increment();
}

void Metrics::ObserveWrite(absl::Duration duration) {
  state_->write_seconds.Add({}, Seconds()).Observe(absl::ToDoubleSeconds(duration));
}

void Metrics::CountControlLookup(bool found) {
  state_->control_lookups.Add({{"result", found ? "hit" : "miss"}}).Increment();
}

void Metrics::CountReload(const std::string& model, bool ok) {
  state_->reloads.Add({{"model", model}, {"result", ok ? "ok" : "failed"}}).Increment();
}

std::unique_ptr<StepObserver> Metrics::ForModel(const std::string& model,
                                                const std::string& version) {
  return std::make_unique<ModelMetrics>(state_.get(), LabelsOf(model, version));
}

void Metrics::SetModels(const std::vector<ModelInfo>& models) {
  MutexLock lock(&state_->mutex);
  for (prometheus::Gauge* info : state_->infos) state_->model_info.Remove(info);
  state_->infos.clear();
  for (const ModelInfo& model : models) {
    state_->infos.push_back(&state_->model_info.Add(
        {{"model", model.model}, {"version", model.version}, {"hash", model.hash}}));
    state_->infos.back()->Set(1);
  }
}

std::string Metrics::Expose(const MetricsSample& sample) const {
  const auto set = [](Gauges& gauges, double value, const Labels& labels = {}) {
    gauges.Add(labels).Set(value);
  };
  set(state_->control_bytes, static_cast<double>(sample.control_store_bytes));
  set(state_->incoming_bytes, static_cast<double>(sample.incoming_bytes));
  set(state_->ready, sample.ready ? 1 : 0);
  const ProcessFacts process = ReadProcessFacts();
  set(state_->device_memory, static_cast<double>(process.resident_bytes), {{"device", "cpu"}});
  set(state_->cpu_seconds, process.cpu_seconds);
  set(state_->resident_bytes, static_cast<double>(process.resident_bytes));
  set(state_->open_files, static_cast<double>(process.open_files));
  set(state_->most_open_files, static_cast<double>(process.most_open_files));
  set(state_->threads, static_cast<double>(process.threads));
  set(state_->start_seconds, process.start_seconds);
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace unlasting::server
