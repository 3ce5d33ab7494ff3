// FloatLog1p: the values of numpy's vectorised logarithm, and its distance from the exact one.
#include "core/evaluate/rules/float_log1p.h"

#include <cmath>

#include "gtest/gtest.h"

namespace unlasting::evaluate::rules {
namespace {

struct Pair {
  float x, logarithm;
};

TEST(FloatLog1pTest, RoundsAsNumpyDoesWhereTheExactValueRoundsOtherwise) {
  // numpy 2.4.6 with AVX-512; none of these is the float32 nearest to the exact value.
  const Pair pairs[] = {{0x1.a11ba2p-6f, 0x1.9be30ep-6f}, {0x1.5c48fep-3f, 0x1.41a68ep-3f},
                        {0x1.0d08dep-2f, 0x1.ddbf7ap-3f}, {0x1.83e91p-2f, 0x1.48efc4p-2f},
                        {0x1.d3293p-2f, 0x1.80dbcap-2f},  {0x1.0c8364p-1f, 0x1.afbf04p-2f},
                        {0x1.5581d4p-1f, 0x1.05a5ap-1f},  {0x1.346632p+0f, 0x1.94c778p-1f},
                        {0x1.7f37cap+0f, 0x1.d483ccp-1f}, {0x1.a8258ap+0f, 0x1.f44a84p-1f}};
  for (const auto& [x, logarithm] : pairs) {
    EXPECT_EQ(FloatLog1p(x), logarithm) << x;
    EXPECT_NE(static_cast<float>(std::log1p(static_cast<double>(x))), logarithm) << x;
  }
}

TEST(FloatLog1pTest, IsWithinTwoUnitsInTheLastPlace) {
  int compared = 0;
  for (double x = 1e-30; x < 1e38; x *= 1.01, ++compared) {
    const auto given = static_cast<float>(x);
    const double exact = std::log1p(static_cast<double>(given));
    const auto nearest = static_cast<float>(exact);
    const double unit = std::nextafter(nearest, INFINITY) - nearest;
    EXPECT_NEAR(FloatLog1p(given), exact, 2 * unit) << x;
  }
  EXPECT_GT(compared, 10000);
}

TEST(FloatLog1pTest, ZeroAndTheLargestValueAreKept) {
  EXPECT_EQ(FloatLog1p(0), 0);
  EXPECT_NEAR(FloatLog1p(3e38f), std::log1p(3e38), 1e-5);
}

}  // namespace
}  // namespace unlasting::evaluate::rules
