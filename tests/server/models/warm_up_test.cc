#include "server/models/warm_up.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/server_support.h"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

using testing::ElementsAre;

// Every look at this clock takes a second.
class TickingClock : public Clock {
 public:
  absl::Time Now() const override { return now_ += absl::Seconds(1); }

 private:
  mutable absl::Time now_ = absl::UnixEpoch();
};

TEST(WarmUp, MeasuresAStepOfEverySize) {
  EXPECT_THAT(StepBuckets(1), ElementsAre(1));
  EXPECT_THAT(StepBuckets(8), ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(StepBuckets(24), ElementsAre(1, 2, 4, 8, 16, 24));
  const auto engine = test::TinyEngine(24);
  const auto measured = WarmUp(engine.get(), TickingClock());
  ASSERT_OK(measured);
  ASSERT_EQ(measured->size(), 6u);
  const std::vector<int64_t> sizes = StepBuckets(24);
  for (size_t k = 0; k < measured->size(); ++k) {
    EXPECT_EQ((*measured)[k].rows, sizes[k]);
    EXPECT_EQ((*measured)[k].duration, absl::Seconds(1));
  }
}

}  // namespace
}  // namespace unlasting::server
