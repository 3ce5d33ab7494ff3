// MakeModelMetrics makes the observer that counts the steps and the load of one scheduler.
#pragma once

#include <memory>

#include "server/metrics/metric_families.h"
#include "server/scheduling/step_observer.h"

namespace unlasting::server {

// `families` outlives the observer. Observers with the same labels add up, and one that is
// destroyed takes its share of the gauges with it, the last one all of their series.
std::unique_ptr<StepObserver> MakeModelMetrics(MetricFamilies* families, const Labels& labels);

}  // namespace unlasting::server
