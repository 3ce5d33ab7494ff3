#include "server/metrics/metrics.h"

#include <utility>

#include "core/base/status.h"
#include "core/base/version.h"
#include "prometheus/text_serializer.h"
#include "server/metrics/metric_families.h"
#include "server/metrics/model_metrics.h"
#include "server/metrics/process_stats.h"

namespace unlasting::server {
namespace {

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

}  // namespace

Metrics::Metrics() : families_(std::make_unique<MetricFamilies>()) {
  families_->build_info.Add({{"version", kVersion}}).Set(1);
}
Metrics::~Metrics() = default;

void Metrics::CountCall(const std::string& method, const absl::Status& status,
                        absl::Duration duration) {
  families_->requests.Add({{"method", method}, {"code", absl::StatusCodeToString(status.code())}})
      .Increment();
  families_->request_seconds.Add({{"method", method}}, SecondsBuckets())
      .Observe(absl::ToDoubleSeconds(duration));
  if (status.ok()) return;
  const std::string reason = ReasonOf(status);
  families_->request_errors
      .Add({{"reason", reason.empty() ? absl::StatusCodeToString(status.code()) : reason}})
      .Increment();
}

void Metrics::CountPrediction(const std::string& model, const std::string& version, int64_t rows,
                              const JobTimings& timings) {
  const Labels labels = LabelsOf(model, version);
  families_->predicted_cells.Add(labels).Increment(static_cast<double>(rows));
  families_->queue_seconds.Add(labels, SecondsBuckets())
      .Observe(absl::ToDoubleSeconds(timings.queue));
  families_->compute_seconds.Add(labels, SecondsBuckets())
      .Observe(absl::ToDoubleSeconds(timings.compute));
}

void Metrics::CountCancelled(CallPhase phase) {
  families_->cancelled.Add({{"phase", PhaseName(phase)}}).Increment();
}

void Metrics::ObserveWrite(absl::Duration duration) {
  families_->write_seconds.Add({}, SecondsBuckets()).Observe(absl::ToDoubleSeconds(duration));
}

void Metrics::CountControlLookup(bool found) {
  families_->control_lookups.Add({{"result", found ? "hit" : "miss"}}).Increment();
}

void Metrics::CountReload(const std::string& model, bool ok) {
  families_->reloads.Add({{"model", model}, {"result", ok ? "ok" : "failed"}}).Increment();
}

std::unique_ptr<StepObserver> Metrics::ForModel(const std::string& model,
                                                const std::string& version) {
  return MakeModelMetrics(families_.get(), LabelsOf(model, version));
}

void Metrics::SetModels(const std::vector<ModelInfo>& models) {
  MutexLock lock(&families_->mutex);
  for (prometheus::Gauge* info : families_->infos) families_->model_info.Remove(info);
  families_->infos.clear();
  for (const ModelInfo& model : models) {
    families_->infos.push_back(&families_->model_info.Add(
        {{"model", model.model}, {"version", model.version}, {"hash", model.hash}}));
    families_->infos.back()->Set(1);
  }
}

std::string Metrics::Expose(const MetricsSample& sample) const {
  const auto set = [](Gauges& gauges, double value, const Labels& labels = {}) {
    gauges.Add(labels).Set(value);
  };
  set(families_->control_bytes, static_cast<double>(sample.control_store_bytes));
  set(families_->request_memory_bytes, static_cast<double>(sample.request_memory_bytes));
  set(families_->ready, sample.ready ? 1 : 0);
  const ProcessStats process = ReadProcessStats();
  set(families_->device_memory, static_cast<double>(process.resident_bytes), {{"device", "cpu"}});
  for (const auto& [device, bytes] : sample.device_bytes) {
    set(families_->device_memory, static_cast<double>(bytes), {{"device", device}});
  }
  {
    MutexLock lock(&families_->mutex);
    const double more = process.cpu_seconds - families_->cpu_seconds.Value();
    if (more > 0) families_->cpu_seconds.Increment(more);
  }
  set(families_->resident_bytes, static_cast<double>(process.resident_bytes));
  set(families_->open_files, static_cast<double>(process.open_files));
  set(families_->max_open_files, static_cast<double>(process.max_open_files));
  set(families_->threads, static_cast<double>(process.threads));
  set(families_->start_seconds, process.start_seconds);
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace unlasting::server
