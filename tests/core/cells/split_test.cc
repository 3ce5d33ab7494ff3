#include "core/cells/split.h"

#include <set>

#include "tests/core/cells/toy_data.h"
#include "tests/support/files.h"

namespace unlasting::cells {
namespace {

Split Make(const Dataset& data, const std::string& kind, std::vector<std::string> hold_out = {},
           double fraction = 0.3) {
  SplitOptions options;
  options.kind = kind;
  options.hold_out = std::move(hold_out);
  options.fraction = fraction;
  auto split = MakeSplit(data, options);
  EXPECT_TRUE(split.ok()) << split.status();
  return *std::move(split);
}

std::set<std::string> TestConditions(const Dataset& data, const Split& split) {
  std::set<std::string> names;
  for (const int64_t cell : split.Cells(true)) {
    names.insert(data.conditions[data.condition[cell]].Key());
  }
  return names;
}

TEST(SplitTest, ConditionsHoldsOutWholePerturbationsAndNoControls) {
  const Dataset data = test::ToyDataset({"ctrl", "A+ctrl", "B+ctrl", "C+ctrl", "D+ctrl"}, {"T"}, 6);
  const Split split = Make(data, "conditions", {}, 0.5);
  EXPECT_EQ(TestConditions(data, split).size(), 2u);
  EXPECT_EQ(split.Cells(true).size(), 12u);
  EXPECT_EQ(TestConditions(data, split).count("ctrl"), 0u);
  EXPECT_EQ(TestConditions(data, Make(data, "conditions", {"condition=C+ctrl"})),
            std::set<std::string>{"C+ctrl"});
}

TEST(SplitTest, DoublesTrainsOnSinglesAndTestsOnPairs) {
  const Dataset data = test::ToyDataset({"ctrl", "A+ctrl", "B+ctrl", "A+B"}, {"T"}, 6);
  EXPECT_EQ(TestConditions(data, Make(data, "doubles")), std::set<std::string>{"A+B"});
}

TEST(SplitTest, CovariatesHoldsOutTreatedCellsAndKeepsTheirControls) {
  const Dataset data = test::ToyDataset({"ctrl", "A+ctrl"}, {"P1", "P2", "P3"}, 6);
  const Split split = Make(data, "covariates", {"cell_type=P2"});
  EXPECT_EQ(split.Cells(true).size(), 6u);
  for (const int64_t cell : split.Cells(true)) {
    EXPECT_EQ(data.cell_type[cell], 1);
    EXPECT_FALSE(data.conditions[data.condition[cell]].control);
  }
}

TEST(SplitTest, DrugsAndDosesHoldOutWhatTheySay) {
  const Dataset data = test::ToyDataset({"ctrl", "drugA", "drugB"}, {"T", "B"}, 4);
  const auto held = TestConditions(data, Make(data, "drugs", {"drug=drugB"}));
  EXPECT_EQ(held, (std::set<std::string>{"drugB@0.1uM", "drugB@1uM", "drugB@10uM"}));
  const Split doses = Make(data, "doses");
  // One dose of three, for each drug and cell type.
  EXPECT_EQ(doses.Cells(true).size(), 4u * 4u);
}

TEST(SplitTest, CellsHoldsOutAShareOfEveryGroupControlsIncluded) {
  const Dataset data = test::ToyDataset({"ctrl", "A+ctrl"}, {"T", "B"}, 10);
  const Split split = Make(data, "cells");
  EXPECT_EQ(split.Cells(true).size(), 4u * 3u);
  const auto groups = TestGroups(data, split);
  ASSERT_EQ(groups.size(), 2u);
  // Held-out controls, never those seen in training.
  for (const auto& group : groups) {
    EXPECT_EQ(group.truth.size(), 3u);
    EXPECT_EQ(group.control.size(), 3u);
    for (const int64_t cell : group.control) EXPECT_TRUE(split.test[cell]);
  }
}

TEST(SplitTest, SameSeedSameSplitAndAnotherSeedAnother) {
  const Dataset data = test::ToyDataset({"ctrl", "A+ctrl"}, {"T"}, 40);
  SplitOptions options;
  options.kind = "cells";
  options.seed = 7;
  EXPECT_EQ(MakeSplit(data, options)->test, MakeSplit(data, options)->test);
  SplitOptions other = options;
  other.seed = 8;
  EXPECT_NE(MakeSplit(data, options)->test, MakeSplit(data, other)->test);
}

TEST(SplitTest, RefusesUnknownNamesAndSplitsThatLeaveNothing) {
  const Dataset data = test::ToyDataset({"ctrl", "A+ctrl"}, {"T"}, 6);
  const auto refused = [&](const std::string& kind, std::vector<std::string> hold_out,
                           const std::string& words, double fraction = 0.3) {
    SplitOptions options;
    options.kind = kind;
    options.hold_out = std::move(hold_out);
    options.fraction = fraction;
    const auto split = MakeSplit(data, options);
    ASSERT_EQ(split.status().code(), absl::StatusCode::kInvalidArgument) << words;
    EXPECT_NE(split.status().message().find(words), absl::string_view::npos) << split.status();
  };
  refused("random", {}, "split: found 'random'");
  refused("covariates", {"cell_type=PW99"}, "no cell_type 'PW99'");
  refused("covariates", {"patient=1"}, "hold_out: found 'patient=1'");
  refused("doubles", {}, "0 to test");
  refused("conditions", {"condition=A+ctrl"}, "leaves 0 perturbed cells to train on");
  refused("cells", {}, "split_fraction", 1.0);
}

}  // namespace
}  // namespace unlasting::cells
