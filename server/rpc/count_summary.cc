#include "server/rpc/count_summary.h"

#include <algorithm>
#include <vector>

#include "core/predict/job/counts.h"

namespace unlasting::server {

v1::DrawnCounts SummarizeCounts(const predict::Profiles& profiles,
                                absl::Span<const double> dispersion,
                                absl::Span<const int64_t> columns) {
  const int64_t cells = profiles.values.rows;
  std::vector<float> counts(columns.size());
  std::vector<int64_t> active(columns.size(), 0);
  int64_t were_active = 0, lost = 0;
  double total = 0, expected_total = 0;
  for (int64_t r = 0; r < cells; ++r) {
    const auto profile = profiles.values.Row(r);
    const predict::CountDraw& draw = profiles.draws[r];
    predict::DrawCounts(profile, dispersion, draw, columns, absl::MakeSpan(counts));
    for (size_t k = 0; k < columns.size(); ++k) {
      const float value = profile[columns[k]];
      total += counts[k];
      expected_total += predict::ExpectedCount(value, draw);
      if (value > 0) ++were_active;
      if (value > 0 && counts[k] == 0) ++lost;
      if (counts[k] > 0) ++active[k];
    }
  }
  const auto all = static_cast<double>(std::max<int64_t>(cells, 1));
  v1::DrawnCounts summary;
  for (const int64_t count : active) {
    summary.add_active_share(static_cast<float>(static_cast<double>(count) / all));
  }
  summary.set_lost_share(static_cast<double>(lost) /
                         static_cast<double>(std::max<int64_t>(were_active, 1)));
  summary.set_mean_total(total / all);
  summary.set_expected_total(expected_total / all);
  return summary;
}

}  // namespace unlasting::server
