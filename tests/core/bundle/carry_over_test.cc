#include "core/bundle/carry_over.h"

#include "gtest/gtest.h"
#include "tests/support/files.h"

namespace unlasting::bundle {
namespace {

using nlohmann::json;

TEST(CarryOver, RulesAreReadAsTheyAreListed) {
  const auto rules = ReadCarryOver({{"rules", {{4, 0.6, 0.35, 0.25}, {0, 1, 1, 0.75}}}});
  ASSERT_OK(rules);
  ASSERT_EQ(rules->size(), 2u);
  EXPECT_EQ((*rules)[0].power, 4);
  EXPECT_EQ((*rules)[0].mean_slope, 0.6);
  EXPECT_EQ((*rules)[0].share_slope, 0.35);
  EXPECT_EQ((*rules)[1].weight, 0.75);
  EXPECT_TRUE(ReadCarryOver({{"rules", json::array()}})->empty());
}

TEST(CarryOver, BundlesFromBeforeHaveOneRule) {
  const auto mean = ReadCarryOver({{"left_out", "contexts"},
                                   {"no_change", false},
                                   {"power", 3.5},
                                   {"mean_slope", 0.7},
                                   {"share_slope", 0.5}});
  ASSERT_EQ(mean->size(), 1u);
  EXPECT_EQ(mean->front().power, 3.5);
  EXPECT_EQ(mean->front().weight, 1);
  EXPECT_TRUE(ReadCarryOver({{"no_change", true}, {"power", 0}})->empty());
  for (const json& response : {json(), json{{"left_out", "cells"}}}) {
    const auto rules = ReadCarryOver(response);
    ASSERT_EQ(rules->size(), 1u);
    EXPECT_EQ(rules->front().mean_slope, 1) << "the change itself";
  }
}

TEST(CarryOver, ListsThatAreNotRulesAreRefusedByName) {
  for (const json& rules :
       {json("four"), json(4), json::array({1, 2, 3, 4}), json::array({{1, 1, 1}}),
        json::array({{1, 1, 1, 0.5}}), json::array({{-1, 1, 1, 1}}), json::array({{1, 1, 1e9, 1}}),
        json::array({{1, 1, nullptr, 1}}), json::array({{"a", 1, 1, 1}})}) {
    const auto read = ReadCarryOver({{"rules", rules}});
    ASSERT_FALSE(read.ok()) << rules;
    EXPECT_NE(read.status().message().find("response.rules"), absl::string_view::npos);
  }
}

}  // namespace
}  // namespace unlasting::bundle
