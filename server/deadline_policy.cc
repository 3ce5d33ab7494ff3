#include "server/deadline_policy.h"

#include <algorithm>

namespace unlasting::server {
namespace {

constexpr double kNewest = 0.1;  // weight of the latest step in a mean

int SizeClass(int64_t rows) {
  int size_class = 0;
  while ((int64_t{1} << size_class) < rows) ++size_class;
  return size_class;
}

int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

void StepTimes::Observe(int64_t rows, absl::Duration duration) {
  const auto [mean, first] = means_.emplace(SizeClass(rows), duration);
  if (!first) mean->second += kNewest * (duration - mean->second);
}

absl::Duration StepTimes::Of(int64_t rows) const {
  if (means_.empty()) return absl::ZeroDuration();
  const auto above = means_.upper_bound(SizeClass(rows));
  return above == means_.begin() ? above->second : std::prev(above)->second;
}

absl::Duration ShortestCompletion(const WorkEstimate& work, const Backlog& backlog,
                                  int64_t max_batch, const StepTimes& times) {
  const int64_t share = std::max<int64_t>(1, max_batch / (backlog.clients + 1));
  const int64_t all = work.evaluations + backlog.evaluations;
  // Whoever is done leaves its share to the others, so nobody waits for more than all the work.
  const int64_t steps =
      std::max({work.chain, std::min(DivideUp(work.evaluations, share), DivideUp(all, max_batch)),
                int64_t{1}});
  const int64_t rows = std::clamp<int64_t>(all / steps, 1, max_batch);
  return static_cast<double>(steps) * times.Of(rows);
}

}  // namespace unlasting::server
