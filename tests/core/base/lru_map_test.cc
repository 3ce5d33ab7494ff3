#include "core/base/lru_map.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"

namespace unlasting {
namespace {

TEST(LruMapTest, WhatWasLookedUpOutlivesWhatWasNot) {
  LruMap<std::string, int> entries;
  entries.Insert("a", 1);
  entries.Insert("b", 2);
  entries.Insert("c", 3);
  ASSERT_NE(entries.Find("a"), nullptr);
  EXPECT_EQ(entries.Oldest(), 2);
  EXPECT_EQ(entries.TakeOldest(), 2);
  EXPECT_EQ(entries.TakeOldest(), 3);
  EXPECT_EQ(entries.Find("b"), nullptr);
  ASSERT_NE(entries.Find("a"), nullptr);
  EXPECT_EQ(*entries.Find("a"), 1);
  EXPECT_EQ(entries.size(), 1u);
}

TEST(LruMapTest, AKeyThatIsThereKeepsItsValueAndBecomesTheMostRecent) {
  LruMap<int, std::unique_ptr<int>> entries;
  int* const first = entries.Insert(1, std::make_unique<int>(10))->get();
  entries.Insert(2, std::make_unique<int>(20));
  EXPECT_EQ(entries.Insert(1, std::make_unique<int>(30))->get(), first);
  EXPECT_EQ(entries.size(), 2u);
  EXPECT_EQ(*entries.TakeOldest(), 20);
}

TEST(LruMapTest, PointersHoldWhileOthersComeAndGo) {
  LruMap<int, std::string> entries;
  const std::string* const kept = entries.Insert(0, "kept");
  for (int k = 1; k < 100; ++k) {
    entries.Insert(k, "other");
    entries.Find(0);
    if (entries.size() > 5) entries.TakeOldest();
  }
  EXPECT_EQ(*kept, "kept");
  EXPECT_EQ(entries.Find(0), kept);
}

}  // namespace
}  // namespace unlasting
