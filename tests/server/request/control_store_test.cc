#include "server/request/control_store.h"

#include "core/base/status.h"
#include "gtest/gtest.h"
#include "tests/server/server_support.h"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

cells::ControlMatrix Cells(int64_t rows, float value) {
  DenseMatrix values(rows, 2);
  for (float& entry : values.values) entry = value;
  cells::ControlMatrix controls;
  controls.values = ToCsr(values);
  controls.genes = {"G0", "G1"};
  controls.cell_types.assign(rows, "T0");
  return controls;
}

TEST(ControlStore, EqualContentHasEqualIdAndIsHeldOnce) {
  const test::FakeClock clock;
  ControlStore store({}, &clock);
  const auto first = store.Add("a", Cells(3, 1));
  const auto second = store.Add("a", Cells(3, 1));
  const auto other = store.Add("a", Cells(3, 2));
  ASSERT_OK(first);
  EXPECT_EQ(*first, *second);
  EXPECT_NE(*first, *other);
  EXPECT_EQ(store.bytes(), 2 * Cells(3, 1).Bytes());
}

TEST(ControlStore, TheIdCoversEveryPartOfTheContent) {
  const std::string base = ContentHash(Cells(2, 1));
  cells::ControlMatrix changed = Cells(2, 1);
  changed.genes = {"G0G", "1"};
  EXPECT_NE(ContentHash(changed), base);
  changed = Cells(2, 1);
  changed.cell_types[1] = "T1";
  EXPECT_NE(ContentHash(changed), base);
  changed = Cells(2, 1);
  changed.library_sizes = {1, 2};
  EXPECT_NE(ContentHash(changed), base);
  changed = Cells(2, 1);
  changed.kind = cells::MatrixKind::kCounts;
  EXPECT_NE(ContentHash(changed), base);
  changed = Cells(2, 1);
  changed.missing_genes = cells::MissingGenes::kZero;
  EXPECT_NE(ContentHash(changed), base);
  changed = Cells(2, 1);
  changed.target_sum = 1e4;
  EXPECT_NE(ContentHash(changed), base);
}

TEST(ControlStore, ForgetsWhatIsNotUsedForItsTimeToLive) {
  test::FakeClock clock;
  ControlStore store({int64_t{1} << 20, int64_t{1} << 20, absl::Minutes(10)}, &clock);
  const std::string id = *store.Add("a", Cells(3, 1));
  clock.Advance(absl::Minutes(9));
  EXPECT_NE(store.Find("a", id), nullptr);
  clock.Advance(absl::Minutes(9));
  EXPECT_NE(store.Find("a", id), nullptr) << "a use begins the time anew";
  clock.Advance(absl::Minutes(10));
  EXPECT_EQ(store.Find("a", id), nullptr);
  EXPECT_EQ(store.bytes(), 0);
}

TEST(ControlStore, TheLeastRecentlyUsedGoesFirst) {
  const test::FakeClock clock;
  const int64_t one = Cells(3, 1).Bytes();
  ControlStore store({8 * one, 2 * one, absl::Hours(1)}, &clock);
  const std::string a = *store.Add("a", Cells(3, 1));
  const std::string b = *store.Add("a", Cells(3, 2));
  const auto held = store.Find("a", a);
  const std::string c = *store.Add("a", Cells(3, 3));
  EXPECT_NE(store.Find("a", a), nullptr);
  EXPECT_EQ(store.Find("a", b), nullptr);
  EXPECT_NE(store.Find("a", c), nullptr);
  EXPECT_EQ(store.bytes(), 2 * one);
  EXPECT_EQ(held->values.rows, 3);
}

TEST(ControlStore, AnIdIsOfUseToItsOwnerAlone) {
  const test::FakeClock clock;
  ControlStore store({}, &clock);
  const std::string own = *store.Add("a", Cells(3, 1));
  EXPECT_EQ(store.Find("b", own), nullptr);
  EXPECT_NE(store.Find("a", own), nullptr);
  EXPECT_NE(own, ContentHash(Cells(3, 1))) << "whoever has the cells could make up the id";
  ControlStore another({}, &clock);
  EXPECT_NE(*another.Add("a", Cells(3, 1)), own);
}

TEST(ControlStore, OwnersOfEqualCellsHaveTwoIdsAndShareTheMemory) {
  test::FakeClock clock;
  ControlStore store({}, &clock);
  const std::string a = *store.Add("a", Cells(3, 1));
  clock.Advance(absl::Minutes(30));
  const std::string b = *store.Add("b", Cells(3, 1));
  EXPECT_NE(a, b);
  EXPECT_EQ(store.bytes(), Cells(3, 1).Bytes());
  EXPECT_EQ(store.Find("b", b)->values.rows, 3);
  clock.Advance(absl::Minutes(50));
  EXPECT_EQ(store.Find("a", a), nullptr);
  EXPECT_NE(store.Find("b", b), nullptr);
}

TEST(ControlStore, NoCallerDropsAnothersSets) {
  const test::FakeClock clock;
  const int64_t one = Cells(3, 1).Bytes();
  ControlStore store({3 * one, 2 * one, absl::Hours(1)}, &clock);
  const std::string a = *store.Add("a", Cells(3, 1));
  for (int k = 2; k < 20; ++k) ASSERT_OK(store.Add("b", Cells(3, static_cast<float>(k))));
  EXPECT_NE(store.Find("a", a), nullptr);
  EXPECT_EQ(store.bytes(), 3 * one);
  const auto full = store.Add("c", Cells(3, 99));
  EXPECT_EQ(ReasonOf(full.status()), "CONTROL_STORE_FULL");
  EXPECT_NE(store.Find("a", a), nullptr);
}

TEST(ControlStore, RefusesASetThatCanNeverFit) {
  const test::FakeClock clock;
  ControlStore store({1000000, 100, absl::Hours(1)}, &clock);
  const auto id = store.Add("a", Cells(1000, 1));
  EXPECT_EQ(id.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(id.status()), "CONTROL_SET_TOO_LARGE");
  EXPECT_EQ(store.bytes(), 0);
}

}  // namespace
}  // namespace unlasting::server
