#include "server/rpc/count_summary.h"

#include <cmath>
#include <vector>

#include "core/predict/job/counts.h"
#include "gtest/gtest.h"

namespace unlasting::server {
namespace {

// 400 cells of three genes: silent, with 0.25 counts expected, and with 4.
predict::Profiles Cells() {
  predict::Profiles profiles;
  profiles.values = DenseMatrix(400, 3);
  for (int64_t r = 0; r < profiles.values.rows; ++r) {
    profiles.values.At(r, 1) = std::log1p(0.5f);
    profiles.values.At(r, 2) = std::log1p(8.0f);
    profiles.draws.push_back({static_cast<uint64_t>(r) * 7919, 0.5, 1});
  }
  return profiles;
}

TEST(CountSummary, SaysWhatIsLostAndWhatIsKept) {
  const v1::DrawnCounts counts = SummarizeCounts(Cells(), {0.1, 0.1, 0.1}, {0, 1, 2});
  ASSERT_EQ(counts.active_share_size(), 3);
  EXPECT_EQ(counts.active_share(0), 0);
  EXPECT_NEAR(counts.active_share(1), 0.25, 0.08);
  EXPECT_EQ(counts.active_share(2), 1) << "four counts are expected";
  EXPECT_NEAR(counts.lost_share(), (1 - counts.active_share(1)) / 2, 1e-6);
  EXPECT_NEAR(counts.expected_total(), 4.25, 1e-5);
  EXPECT_NEAR(counts.mean_total(), 4.25, 0.4);
}

TEST(CountSummary, CountsAreThoseOfTheGenesAskedFor) {
  const predict::Profiles cells = Cells();
  const v1::DrawnCounts counts = SummarizeCounts(cells, {0.1, 0.1, 0.1}, {2});
  ASSERT_EQ(counts.active_share_size(), 1);
  EXPECT_EQ(counts.lost_share(), 0);
  double sum = 0;
  for (int64_t r = 0; r < cells.values.rows; ++r) {
    std::vector<float> count(1);
    predict::DrawCounts(cells.values.Row(r), {0.1, 0.1, 0.1}, cells.draws[r], {2},
                        absl::MakeSpan(count));
    sum += count[0];
  }
  EXPECT_DOUBLE_EQ(counts.mean_total(), sum / 400);
}

}  // namespace
}  // namespace unlasting::server
