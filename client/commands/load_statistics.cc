#include "client/commands/load_statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace unlasting::client {
namespace {

nlohmann::json Times(const std::vector<double>& values) {
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {{"p50", Percentile(values, 0.5)},
          {"p90", Percentile(values, 0.9)},
          {"p99", Percentile(values, 0.99)},
          {"max", Percentile(values, 1)},
          {"mean", values.empty() ? 0 : sum / static_cast<double>(values.size())}};
}

}  // namespace

double Percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto rank = static_cast<int64_t>(std::ceil(share * static_cast<double>(values.size())));
  const auto place =
      values.begin() + std::clamp<int64_t>(rank - 1, 0, static_cast<int64_t>(values.size()) - 1);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

nlohmann::json LoadStatistics::Summarize(double seconds) const {
  std::vector<double> latency, queue, compute;
  std::map<int64_t, std::vector<double>> by_cells;
  std::map<std::string, int64_t> failures;
  int64_t cells = 0;
  for (const LoadSample& sample : samples_) {
    if (!sample.ok) {
      ++failures[sample.reason];
      continue;
    }
    latency.push_back(sample.latency);
    queue.push_back(sample.queue);
    compute.push_back(sample.compute);
    by_cells[sample.cells].push_back(sample.latency);
    cells += sample.cells;
  }
  nlohmann::json sizes = nlohmann::json::object();
  for (const auto& [size, times] : by_cells) {
    sizes[std::to_string(size)] = {{"calls", times.size()}, {"latency_seconds", Times(times)}};
  }
  return {{"calls", samples_.size()},
          {"failed", samples_.size() - latency.size()},
          {"failures", failures},
          {"seconds", seconds},
          {"calls_per_second", static_cast<double>(latency.size()) / seconds},
          {"cells_per_second", static_cast<double>(cells) / seconds},
          {"latency_seconds", Times(latency)},
          {"queue_seconds", Times(queue)},
          {"compute_seconds", Times(compute)},
          {"by_cells", sizes}};
}

}  // namespace unlasting::client
