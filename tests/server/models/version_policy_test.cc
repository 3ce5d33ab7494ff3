#include "server/models/version_policy.h"

#include "gtest/gtest.h"

namespace unlasting::server {
namespace {

TEST(VersionPolicy, NumbersCompareAsNumbers) {
  EXPECT_TRUE(VersionBefore("1.9", "1.10"));
  EXPECT_FALSE(VersionBefore("1.10", "1.9"));
  EXPECT_TRUE(VersionBefore("9", "10"));
  EXPECT_TRUE(VersionBefore("v2", "v10"));
  EXPECT_TRUE(VersionBefore("2026-01-31", "2026-02-01"));
  EXPECT_FALSE(VersionBefore("007", "7"));
  EXPECT_FALSE(VersionBefore("7", "007"));
  EXPECT_TRUE(VersionBefore("99999999999999999999998", "99999999999999999999999"));
}

TEST(VersionPolicy, APrefixIsBeforeWhatItBegins) {
  EXPECT_TRUE(VersionBefore("1", "1.0"));
  EXPECT_TRUE(VersionBefore("", "0"));
  EXPECT_FALSE(VersionBefore("", ""));
  EXPECT_FALSE(VersionBefore("1.0", "1.0"));
}

TEST(VersionPolicy, TheHighestIsTheDefaultUnlessOneIsPinned) {
  EXPECT_EQ(DefaultVersion({{"1"}}), 0u);
  EXPECT_EQ(DefaultVersion({{"1.2"}, {"1.10"}, {"1.9"}}), 1u);
  EXPECT_EQ(DefaultVersion({{"1.2", true}, {"1.10"}, {"1.9"}}), 0u);
  EXPECT_EQ(DefaultVersion({{"1.2", true}, {"1.10"}, {"1.9", true}}), 2u);
}

}  // namespace
}  // namespace unlasting::server
