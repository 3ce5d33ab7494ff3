#include "server/metrics/metrics.h"

#include <utility>

#include "core/base/status.h"
#include "core/base/version.h"
#include "prometheus/text_serializer.h"
#include "server/metrics/process_stats.h"
#include "server/metrics/state.h"

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
  const ProcessStats process = ReadProcessStats();
  set(state_->device_memory, static_cast<double>(process.resident_bytes), {{"device", "cpu"}});
  for (const auto& [device, bytes] : sample.device_bytes) {
    set(state_->device_memory, static_cast<double>(bytes), {{"device", device}});
  }
  set(state_->cpu_seconds, process.cpu_seconds);
  set(state_->resident_bytes, static_cast<double>(process.resident_bytes));
  set(state_->open_files, static_cast<double>(process.open_files));
  set(state_->max_open_files, static_cast<double>(process.max_open_files));
  set(state_->threads, static_cast<double>(process.threads));
  set(state_->start_seconds, process.start_seconds);
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace unlasting::server
