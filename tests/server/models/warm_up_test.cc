#include "server/models/warm_up.h"

#include <limits>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/scheduling/forwarding_engine.h"
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

// Steps without an error to a value that is none, as weights that overflow do.
class OverflowingEngine : public ForwardingEngine {
 public:
  explicit OverflowingEngine(float value) : ForwardingEngine(test::TinyEngine(4)), value_(value) {}

  absl::Status Step(absl::Span<predict::Row* const> rows) override {
    const absl::Status status = ForwardingEngine::Step(rows);
    for (predict::Row* row : rows) row->x.back() = value_;
    return status;
  }

 private:
  const float value_;
};

TEST(WarmUp, AModelWhoseValuesAreNotFiniteIsRefused) {
  for (const float value : {std::numeric_limits<float>::infinity(), 1.0f}) {
    OverflowingEngine engine(value);
    const auto measured = WarmUp(&engine, TickingClock());
    if (value == 1.0f) {
      EXPECT_OK(measured);
    } else {
      EXPECT_EQ(measured.status().code(), absl::StatusCode::kDataLoss);
      EXPECT_THAT(std::string(measured.status().message()), testing::HasSubstr("not finite"));
    }
  }
}

}  // namespace
}  // namespace unlasting::server
