// What one scheduler tells.
#include "server/metrics/state.h"

namespace unlasting::server {

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
        bytes_{state->queued_bytes.Add(labels), 0},
        latents_(state->latent_lookups, state->latent_bytes, labels),
        thresholds_(state->threshold_lookups, state->threshold_bytes, labels) {}

  ~ModelMetrics() override {
    for (Share* share : {&slots_, &jobs_, &rows_, &bytes_, &latents_.bytes, &thresholds_.bytes}) {
      share->Set(0);
    }
  }

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
    latents_.Set(load.latents);
    thresholds_.Set(load.thresholds);
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

  struct Cache {
    Cache(Counters& lookups, Gauges& gauge, const Labels& labels)
        : hits(lookups.Add(With(labels, "hit"))),
          misses(lookups.Add(With(labels, "miss"))),
          bytes{gauge.Add(labels), 0} {}

    static Labels With(Labels labels, const char* result) {
      labels["result"] = result;
      return labels;
    }

    void Set(const predict::ContentCache::Statistics& next) {
      hits.Increment(static_cast<double>(next.hits - last.hits));
      misses.Increment(static_cast<double>(next.misses - last.misses));
      bytes.Set(next.bytes);
      last = next;
    }

    prometheus::Counter& hits;
    prometheus::Counter& misses;
    Share bytes;
    predict::ContentCache::Statistics last;
  };

  prometheus::Counter& steps_;
  prometheus::Counter& evaluations_;
  prometheus::Histogram& step_rows_;
  prometheus::Histogram& step_seconds_;
  Share slots_;
  Share jobs_;
  Share rows_;
  Share bytes_;
  Cache latents_;
  Cache thresholds_;
};

std::unique_ptr<StepObserver> Metrics::ForModel(const std::string& model,
                                                const std::string& version) {
  return std::make_unique<ModelMetrics>(state_.get(), LabelsOf(model, version));
}

}  // namespace unlasting::server
