#include "core/cells/labels.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::cells {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(LabelsTest, BlanksAtTheEndsDoNotCount) {
  EXPECT_EQ(TrimLabel(" \tSTAT1+ctrl \r\n"), "STAT1+ctrl");
  EXPECT_EQ(TrimLabel("\xc2\xa0 ctrl\xc2\xa0"), "ctrl");
  EXPECT_EQ(TrimLabel("T cell"), "T cell");
  EXPECT_EQ(TrimLabel(" \xc2\xa0 "), "");
}

TEST(LabelsTest, MissingValuesAreThoseOfPandasRAndSpreadsheets) {
  for (const char* missing : {"", " ", "nan", "NaN", "None", "none", "NA", "<NA>", "N/A", "#N/A",
                              "null", "NULL", "NaT", "None "}) {
    EXPECT_TRUE(IsMissing(missing)) << missing;
  }
  for (const char* value : {"NANOG", "Na", "ctrl", "0", "NT", "NONO"}) {
    EXPECT_FALSE(IsMissing(value)) << value;
  }
}

TEST(LabelsTest, ControlsAreKnownByTheNamesOfTheField) {
  for (const char* control : {"ctrl",
                              "CTRL",
                              "Control",
                              "non-targeting",
                              "Non_Targeting",
                              "non-targeting_00123",
                              "NT",
                              "NTC-7",
                              "NegCtrl0",
                              "scramble",
                              "DMSO",
                              "vehicle",
                              "mock",
                              "PBS",
                              "untreated",
                              "unstimulated",
                              "Non-Targeting Control",
                              "nontargeting (12)",
                              "NegCtrl0_NegCtrl0__NegCtrl0_NegCtrl1",
                              "sgNTC-3",
                              "No-Target"}) {
    EXPECT_TRUE(IsControlName(control)) << control;
  }
  for (const char* other :
       {"NT5E", "STAT1", "2NT", "control+STAT1", "PBS1B", "DMSO 1 uM", "mocking", "ctrl\xce\xb1",
        "", "NTRK1", "CTR9", "WT1", "NegCtrl0_STAT1", "DMSO_untreated", "_"}) {
    EXPECT_FALSE(IsControlName(other)) << other;
  }
}

TEST(LabelsTest, AConditionIsASetOfGenes) {
  for (const char* label :
       {"A+ctrl", "ctrl+A", "A", " A ", "A+A", "A + ctrl", "A+non-targeting", "NT+A", "A+"}) {
    EXPECT_THAT(ParseGenes(label, "ctrl"), ElementsAre("A")) << label;
    EXPECT_EQ(ConditionKey(label, "ctrl"), "A") << label;
  }
  EXPECT_THAT(ParseGenes("B+A", "ctrl"), ElementsAre("A", "B"));
  EXPECT_EQ(ConditionKey("B+A", "ctrl"), ConditionKey("A+B", "ctrl"));
  EXPECT_THAT(ParseGenes("A+mine", "mine"), ElementsAre("A"));
  EXPECT_THAT(ParseGenes("A+mine", "yours,mine"), ElementsAre("A"));
  for (const char* none : {"ctrl", "ctrl+ctrl", "NT+NT", ""}) {
    EXPECT_THAT(ParseGenes(none, "ctrl"), IsEmpty()) << none;
  }
  EXPECT_THAT(ParseGenes("DMSO", "ctrl"), ElementsAre("DMSO")) << "alone, it is what was done";
}

TEST(ControlLabelsTest, TheNamedControlIsTakenAndOthersAreRemarkedOn) {
  auto found = FindControlLabels({{"ctrl", 5}, {"A", 3}}, "ctrl");
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(found->labels, ElementsAre("ctrl"));
  EXPECT_THAT(found->remarks, IsEmpty());
  found = FindControlLabels({{"ctrl", 5}, {"non-targeting", 3}}, "ctrl");
  EXPECT_THAT(found->labels, ElementsAre("ctrl", "non-targeting"));
  EXPECT_EQ(found->name, "ctrl");
  EXPECT_THAT(found->remarks, ElementsAre(HasSubstr("'non-targeting'")));
  // Who names the control has decided, and is told how to name more.
  found = FindControlLabels({{"DMSO", 5}, {"untreated", 3}, {"A", 1}}, "DMSO");
  EXPECT_THAT(found->labels, ElementsAre("DMSO"));
  EXPECT_THAT(found->remarks, ElementsAre(HasSubstr("control=DMSO,untreated")));
  found = FindControlLabels({{"DMSO", 5}, {"untreated", 9}, {"A", 1}}, "DMSO,untreated");
  EXPECT_THAT(found->labels, ElementsAre("DMSO", "untreated"));
  EXPECT_EQ(found->name, "untreated") << "that of most cells";
  EXPECT_THAT(found->remarks, IsEmpty());
  found = FindControlLabels({{"a, b", 5}, {"a", 1}}, "a, b");
  EXPECT_THAT(found->labels, ElementsAre("a, b")) << "a name may hold a comma";
}

TEST(ControlLabelsTest, WithoutTheDefaultOneKindOfControlIsTakenAndSeveralAreOffered) {
  auto found = FindControlLabels({{"NT-1", 5}, {"NT-2", 7}, {"A", 3}}, "ctrl");
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(found->labels, ElementsAre("NT-1", "NT-2"));
  EXPECT_EQ(found->name, "NT-2");
  found = FindControlLabels({{"DMSO", 5}, {"untreated", 7}, {"A", 3}}, "ctrl");
  EXPECT_TRUE(absl::IsInvalidArgument(found.status()));
  EXPECT_THAT(std::string(found.status().message()), HasSubstr("control=DMSO,untreated"));
  found = FindControlLabels({{"A", 3}, {"B", 3}}, "ctrl");
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(found->labels, IsEmpty());
}

TEST(LabelsTest, ListsTheMostFrequentFirst) {
  EXPECT_EQ(ListLabels({{"A", 1}, {"B", 20}}), "'B' (20 cells), 'A' (1 cell)");
  std::map<std::string, int64_t> many;
  for (int k = 0; k < 12; ++k) many["L" + std::to_string(k)] = 2;
  EXPECT_THAT(ListLabels(many), HasSubstr(", and 2 more"));
  EXPECT_EQ(CountLabels({"A", "A ", " B"}), (std::map<std::string, int64_t>{{"A", 2}, {"B", 1}}));
}

}  // namespace
}  // namespace unlasting::cells
