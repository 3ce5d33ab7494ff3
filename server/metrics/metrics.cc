#include "server/metrics/metrics.h"

#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"
#include "server/mutex.h"

namespace unlasting::server {
namespace {

using Counters = prometheus::Family<prometheus::Counter>;
using Gauges = prometheus::Family<prometheus::Gauge>;
using Histograms = prometheus::Family<prometheus::Histogram>;

Counters& NewCounters(prometheus::Registry* registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(*registry);
}

Gauges& NewGauges(prometheus::Registry* registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(*registry);
}

Histograms& NewHistograms(prometheus::Registry* registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(*registry);
}

// 1 ms to about 17 minutes, by factors of 4.
prometheus::Histogram::BucketBoundaries Seconds() {
  return {0.001, 0.004, 0.016, 0.064, 0.256, 1.024, 4.096, 16.384, 65.536, 262.144, 1048.576};
}

prometheus::Histogram::BucketBoundaries Rows() {
  return {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
}

}  // namespace

struct Metrics::State {
  State();

  prometheus::Registry registry;
  Counters& requests;
  Histograms& request_seconds;
  Counters& rejected;
  Counters& rows;
  Histograms& queue_seconds;
  Histograms& compute_seconds;
  Counters& steps;
  Counters& evaluations;
  Histograms& step_rows;
  Histograms& step_seconds;
  Gauges& queued_rows;
  Gauges& active_jobs;
  Gauges& model_info;
  Gauges& build_info;

  Mutex mutex;
  std::map<std::string, std::unique_ptr<ModelMetrics>> models ABSL_GUARDED_BY(mutex);
  std::map<std::string, prometheus::Gauge*> infos ABSL_GUARDED_BY(mutex);
};

Metrics::State::State()
    : requests(
          NewCounters(&registry, "unlasting_requests_total", "Calls by method and gRPC code.")),
      request_seconds(NewHistograms(&registry, "unlasting_request_duration_seconds",
                                    "Duration of calls by method.")),
      rejected(NewCounters(&registry, "unlasting_rejected_total", "Calls that failed, by reason.")),
      rows(NewCounters(&registry, "unlasting_rows_total",
                       "Predicted cells delivered by complete calls.")),
      queue_seconds(NewHistograms(&registry, "unlasting_queue_seconds",
                                  "From admission of a call to its first step.")),
      compute_seconds(
          NewHistograms(&registry, "unlasting_compute_seconds", "Steps that a call took part in.")),
      steps(NewCounters(&registry, "unlasting_steps_total", "Steps of the engine.")),
      evaluations(NewCounters(&registry, "unlasting_evaluations_total",
                              "Network evaluations, one per cell and step.")),
      step_rows(NewHistograms(&registry, "unlasting_step_rows", "Rows of a step: the batch size.")),
      step_seconds(NewHistograms(&registry, "unlasting_step_seconds", "Duration of a step.")),
      queued_rows(
          NewGauges(&registry, "unlasting_queued_rows", "Rows admitted and not yet predicted.")),
      active_jobs(
          NewGauges(&registry, "unlasting_active_jobs", "Calls that share the engine now.")),
      model_info(NewGauges(&registry, "unlasting_model_info", "1 for each model in service.")),
      build_info(NewGauges(&registry, "unlasting_build_info", "1 for the version that runs.")) {
  build_info.Add({{"version", kVersion}}).Set(1);
}

class Metrics::ModelMetrics : public StepObserver {
 public:
  ModelMetrics(State* state, const std::string& model)
      : steps_(state->steps.Add({{"model", model}})),
        evaluations_(state->evaluations.Add({{"model", model}})),
        step_rows_(state->step_rows.Add({{"model", model}}, Rows())),
        step_seconds_(state->step_seconds.Add({{"model", model}}, Seconds())),
        queued_rows_(state->queued_rows.Add({{"model", model}})),
        active_jobs_(state->active_jobs.Add({{"model", model}})) {}

  void OnStep(int64_t rows, absl::Duration duration) override {
    steps_.Increment();
    evaluations_.Increment(static_cast<double>(rows));
    step_rows_.Observe(static_cast<double>(rows));
    step_seconds_.Observe(absl::ToDoubleSeconds(duration));
  }

  void OnLoad(int64_t queued_rows, int64_t jobs) override {
    queued_rows_.Set(static_cast<double>(queued_rows));
    active_jobs_.Set(static_cast<double>(jobs));
  }

 private:
  prometheus::Counter& steps_;
  prometheus::Counter& evaluations_;
  prometheus::Histogram& step_rows_;
  prometheus::Histogram& step_seconds_;
  prometheus::Gauge& queued_rows_;
  prometheus::Gauge& active_jobs_;
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
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

void Metrics::CountPrediction(const std::string& model, int64_t rows, const JobTimings& timings) {
  state_->rows.Add({{"model", model}}).Increment(static_cast<double>(rows));
  state_->queue_seconds.Add({{"model", model}}, Seconds())
      .Observe(absl::ToDoubleSeconds(timings.queue));
  state_->compute_seconds.Add({{"model", model}}, Seconds())
      .Observe(absl::ToDoubleSeconds(timings.compute));
}

StepObserver* Metrics::ForModel(const std::string& model) {
  MutexLock lock(&state_->mutex);
  std::unique_ptr<ModelMetrics>& metrics = state_->models[model];
  if (metrics == nullptr) metrics = std::make_unique<ModelMetrics>(state_.get(), model);
  return metrics.get();
}

void Metrics::SetModelInfo(const std::string& model, const std::string& version,
                           const std::string& hash) {
  MutexLock lock(&state_->mutex);
  prometheus::Gauge*& info = state_->infos[model];
  if (info != nullptr) state_->model_info.Remove(info);
  info = &state_->model_info.Add({{"model", model}, {"version", version}, {"hash", hash}});
  info->Set(1);
}

std::string Metrics::Expose() const {
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace unlasting::server
