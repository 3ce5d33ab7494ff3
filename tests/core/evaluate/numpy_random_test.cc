// Draws equal those of numpy 2.4's default_rng.
#include "core/evaluate/numpy_random.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::evaluate {
namespace {

using ::testing::ElementsAre;

TEST(NumpyRandomTest, PermutationsAreNumpys) {
  NumpyRandom zero(0), large(123456789012);
  EXPECT_THAT(zero.Permutation(11), ElementsAre(4, 6, 7, 2, 0, 3, 5, 10, 9, 8, 1));
  EXPECT_THAT(zero.Permutation(11), ElementsAre(2, 10, 3, 6, 0, 8, 4, 9, 7, 5, 1));
  EXPECT_THAT(large.Permutation(11), ElementsAre(4, 6, 8, 7, 1, 3, 0, 10, 5, 2, 9));
}

TEST(NumpyRandomTest, IntegersAreNumpys) {
  NumpyRandom random(0);
  std::vector<int64_t> drawn;
  for (int64_t bound = 11; bound > 1; --bound) drawn.push_back(random.Below(bound));
  EXPECT_THAT(drawn, ElementsAre(9, 6, 4, 2, 2, 0, 0, 0, 0, 1));
}

TEST(NumpyRandomTest, SeedsAreNumpys) {
  EXPECT_THAT(NumpySeeds(0, 5),
              ElementsAre(2968811710u, 3677149159u, 745650761u, 2884920346u, 2642120001u));
}

TEST(NumpyRandomTest, PermutationsOfNothingAndOneAreThemselves) {
  NumpyRandom random(3);
  EXPECT_THAT(random.Permutation(0), ElementsAre());
  EXPECT_THAT(random.Permutation(1), ElementsAre(0));
}

}  // namespace
}  // namespace unlasting::evaluate
