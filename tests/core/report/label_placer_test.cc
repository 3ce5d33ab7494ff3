#include "core/report/label_placer.h"

#include <random>

#include "gtest/gtest.h"

namespace unlasting::report {
namespace {

constexpr double kRadius = 3.5, kSize = 11;
constexpr Box kFrame = {50, 10, 320, 260};

TEST(LabelPlacerTest, NoLabelTouchesAnotherNorAMarkNorLeavesTheFrame) {
  std::mt19937 random(3);
  for (const double spread : {1.0, 0.3, 0.05}) {
    LabelPlacer placer(kFrame);
    std::uniform_real_distribution<double> across(kFrame.left, kFrame.left + 270 * spread),
        down(kFrame.bottom - 250 * spread, kFrame.bottom);
    std::vector<std::pair<double, double>> marks;
    std::vector<Box> boxes;
    for (int k = 0; k < 40; ++k) {
      marks.emplace_back(across(random), down(random));
      const auto [x, y] = marks.back();
      boxes.push_back({x - kRadius, y - kRadius, x + kRadius, y + kRadius});
      placer.Reserve(boxes.back());
    }
    int placed = 0;
    for (size_t k = 0; k < marks.size(); ++k) {
      const std::string name = k % 2 == 0 ? "HLA-DRB1" : "ENSG00000115415";
      const auto label = placer.Place(marks[k].first, marks[k].second, kRadius, name, kSize);
      if (!label) continue;
      ++placed;
      EXPECT_GE(label->box.left, kFrame.left);
      EXPECT_LE(label->box.right, kFrame.right);
      EXPECT_GE(label->box.top, kFrame.top);
      EXPECT_LE(label->box.bottom, kFrame.bottom);
      for (const Box& other : boxes) EXPECT_FALSE(label->box.IsNear(other, 1)) << name << k;
      boxes.push_back(label->box);
    }
    EXPECT_GT(placed, 0) << spread;
  }
}

TEST(LabelPlacerTest, ALabelStandsNextToItsMarkAndTurnsAwayFromTheEdge) {
  LabelPlacer placer(kFrame);
  const auto alone = placer.Place(100, 100, kRadius, "STAT1", kSize);
  ASSERT_TRUE(alone.has_value());
  EXPECT_EQ(alone->anchor, "start");
  EXPECT_GT(alone->x, 100 + kRadius);
  EXPECT_LT(alone->x, 100 + 4 * kRadius);
  const auto edge = placer.Place(315, 200, kRadius, "STAT1", kSize);
  ASSERT_TRUE(edge.has_value());
  EXPECT_EQ(edge->anchor, "end");
}

TEST(LabelPlacerTest, WhereLabelsCrowdThereIsNone) {
  LabelPlacer placer(kFrame);
  placer.Reserve(kFrame);
  EXPECT_FALSE(placer.Place(100, 100, kRadius, "STAT1", kSize).has_value());
}

}  // namespace
}  // namespace unlasting::report
