// Random choices of a rule: generated alike everywhere, and checked where they come from a file.
#include "core/evaluate/rules/draws.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/core/evaluate/rules/rule_files.h"

namespace unlasting::evaluate::rules {
namespace {

using ::testing::HasSubstr;

Groups TwoTargets() {
  Groups groups;
  groups.targets = {"A", "B"};
  groups.of_cell = {0, 0, 0, 2, 2, 2, 2, 1, 1};
  groups.cells = {3, 2, 4};
  return groups;
}

nlohmann::json Valid() {
  return {{"splits_cells", {{"1", "ab.aabbab"}}},
          {"baseline_construction", {{"control_row_drawn", {0, 1, 2, 3, 0}}}}};
}

std::string Refusal(const nlohmann::json& object) {
  const auto draws = DrawsFromJson(object, TwoTargets(), "draws.json");
  EXPECT_FALSE(draws.ok());
  return std::string(draws.status().message());
}

TEST(DrawsTest, HalvesOfEachGroupAreEqualAndAnOddCellIsLeftOut) {
  const Draws draws = GenerateDraws(TwoTargets(), 0);
  ASSERT_EQ(draws.splits.size(), 5u);
  for (const auto& [name, marks] : draws.splits) {
    EXPECT_EQ(std::count(marks.begin(), marks.begin() + 3, '.'), 1);
    EXPECT_EQ(std::count(marks.begin(), marks.begin() + 3, 'a'), 1);
    EXPECT_EQ(std::count(marks.begin() + 3, marks.begin() + 7, 'a'), 2);
    EXPECT_EQ(std::count(marks.begin() + 3, marks.begin() + 7, 'b'), 2);
  }
}

TEST(DrawsTest, SeedZeroGivesTheDrawsOfTheReference) {
  for (const std::string data : {"syn", "thp1"}) {
    const auto truth = unlasting::testing::OpenRuleFile(data + "_real.h5ad");
    const auto groups = MatchGroups(truth.table, truth.table, "non-targeting").value();
    const auto golden = unlasting::testing::ReadRuleJson(data + "_vcc2026.json");
    const Draws expected = DrawsFromJson(golden, groups.truth, data).value();
    const Draws found = GenerateDraws(groups.truth, 0);
    EXPECT_EQ(found.splits, expected.splits) << data;
    EXPECT_EQ(found.control_rows, expected.control_rows) << data;
  }
}

TEST(DrawsTest, ASeedGivesTheSameDrawsAndAnotherSeedOthers) {
  EXPECT_EQ(GenerateDraws(TwoTargets(), 3).splits, GenerateDraws(TwoTargets(), 3).splits);
  EXPECT_NE(GenerateDraws(TwoTargets(), 3).splits, GenerateDraws(TwoTargets(), 4).splits);
}

TEST(DrawsTest, EveryCellThatIsNotControlGetsAControlCell) {
  const Draws draws = GenerateDraws(TwoTargets(), 0);
  ASSERT_EQ(draws.control_rows.size(), 5u);
  for (const int64_t row : draws.control_rows) {
    EXPECT_GE(row, 0);
    EXPECT_LT(row, 4);
  }
}

TEST(DrawsTest, AValidFileIsTaken) {
  const auto draws = DrawsFromJson(Valid(), TwoTargets(), "draws.json");
  ASSERT_TRUE(draws.ok()) << draws.status();
  EXPECT_EQ(draws->splits.at("1"), "ab.aabbab");
}

TEST(DrawsTest, AFileThatDoesNotFitTheTruthIsRefusedByKey) {
  nlohmann::json object = Valid();
  object.erase("splits_cells");
  EXPECT_THAT(Refusal(object), HasSubstr("splits_cells"));
  object = Valid();
  object["splits_cells"]["1"] = "ab";
  EXPECT_THAT(Refusal(object), HasSubstr("found 2 characters, expected 9"));
  object["splits_cells"]["1"] = "abcaabbab";
  EXPECT_THAT(Refusal(object), HasSubstr("found 'c' for cell 2"));
  object = Valid();
  object["baseline_construction"]["control_row_drawn"] = {0, 1};
  EXPECT_THAT(Refusal(object), HasSubstr("found 2 numbers, expected 5"));
  object["baseline_construction"]["control_row_drawn"] = {0, 1, 2, 3, 4};
  EXPECT_THAT(Refusal(object), HasSubstr("found 4, expected numbers from 0 to 3"));
  object.erase("baseline_construction");
  EXPECT_THAT(Refusal(object), HasSubstr("control_row_drawn"));
}

}  // namespace
}  // namespace unlasting::evaluate::rules
