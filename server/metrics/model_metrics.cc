#include "server/metrics/model_metrics.h"

namespace unlasting::server {
namespace {

Labels With(Labels labels, const char* result) {
  labels["result"] = result;
  return labels;
}

// The series of a model and version, for as long as it has an observer: a model that is gone would
// otherwise stay in every scrape.
class ModelSeries {
 public:
  ModelSeries(MetricFamilies* families, const Labels& labels)
      : families_(families), labels_(labels) {
    MutexLock lock(&families_->mutex);
    ++families_->observers[labels_];
  }
  ~ModelSeries() {
    MutexLock lock(&families_->mutex);
    if (--families_->observers[labels_] > 0) return;
    families_->observers.erase(labels_);
    Remove();
  }
  ModelSeries(const ModelSeries&) = delete;
  ModelSeries& operator=(const ModelSeries&) = delete;

 private:
  void Remove() const {
    MetricFamilies& all = *families_;
    const auto remove = [](auto& family, const Labels& labels, const auto&... more) {
      family.Remove(&family.Add(labels, more...));
    };
    remove(all.steps, labels_);
    remove(all.evaluations, labels_);
    remove(all.predicted_cells, labels_);
    remove(all.step_rows, labels_, RowsBuckets());
    for (Histograms* each : {&all.step_seconds, &all.queue_seconds, &all.compute_seconds}) {
      remove(*each, labels_, SecondsBuckets());
    }
    for (Gauges* each : {&all.active_rows, &all.active_jobs, &all.queued_rows, &all.queued_bytes,
                         &all.latent_bytes, &all.threshold_bytes}) {
      remove(*each, labels_);
    }
    for (const char* result : {"hit", "miss"}) {
      remove(all.latent_lookups, With(labels_, result));
      remove(all.threshold_lookups, With(labels_, result));
    }
  }

  MetricFamilies* const families_;
  const Labels labels_;
};

class ModelMetrics : public StepObserver {
 public:
  ModelMetrics(MetricFamilies* families, const Labels& labels)
      : series_(families, labels),
        steps_(families->steps.Add(labels)),
        evaluations_(families->evaluations.Add(labels)),
        step_rows_(families->step_rows.Add(labels, RowsBuckets())),
        step_seconds_(families->step_seconds.Add(labels, SecondsBuckets())),
        active_rows_{families->active_rows.Add(labels), 0},
        active_jobs_{families->active_jobs.Add(labels), 0},
        queued_rows_{families->queued_rows.Add(labels), 0},
        queued_bytes_{families->queued_bytes.Add(labels), 0},
        latents_(families->latent_lookups, families->latent_bytes, labels),
        thresholds_(families->threshold_lookups, families->threshold_bytes, labels) {}

  ~ModelMetrics() override {
    for (Share* share : {&active_rows_, &active_jobs_, &queued_rows_, &queued_bytes_,
                         &latents_.bytes, &thresholds_.bytes}) {
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
    active_rows_.Set(load.step_rows);
    active_jobs_.Set(load.jobs);
    queued_rows_.Set(load.queued_rows);
    queued_bytes_.Set(load.queued_bytes);
    latents_.Set(load.latents);
    thresholds_.Set(load.thresholds);
  }

 private:
  // This scheduler's share of a gauge. A model that drains and its successor have the same labels,
  // so that their shares add up.
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

  const ModelSeries series_;  // first: the others are part of it
  prometheus::Counter& steps_;
  prometheus::Counter& evaluations_;
  prometheus::Histogram& step_rows_;
  prometheus::Histogram& step_seconds_;
  Share active_rows_;
  Share active_jobs_;
  Share queued_rows_;
  Share queued_bytes_;
  Cache latents_;
  Cache thresholds_;
};

}  // namespace

std::unique_ptr<StepObserver> MakeModelMetrics(MetricFamilies* families, const Labels& labels) {
  return std::make_unique<ModelMetrics>(families, labels);
}

}  // namespace unlasting::server
