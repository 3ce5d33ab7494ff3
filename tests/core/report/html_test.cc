#include "core/report/html.h"

#include <cmath>

#include "gtest/gtest.h"

namespace unlasting::report {
namespace {

TEST(EscapeTest, LeavesNoWayOutOfTextOrAttributes) {
  EXPECT_EQ(Escape("<script a='b' c=\"d\">&"), "&lt;script a=&#39;b&#39; c=&quot;d&quot;&gt;&amp;");
  EXPECT_EQ(Escape(std::string("a\0b\nc\x7f", 6)), "a b c ");
}

TEST(EscapeTest, KeepsLettersBeyondAsciiAndReplacesBrokenOnes) {
  EXPECT_EQ(Escape("β-catenin 0.2 µM 細胞 🧬"), "β-catenin 0.2 µM 細胞 🧬");
  EXPECT_EQ(Escape("\xff"), "\xEF\xBF\xBD");
  EXPECT_EQ(Escape("\xC3<"), "\xEF\xBF\xBD&lt;");
  // Overlong '<', a surrogate, and a letter cut off at the end.
  EXPECT_EQ(Escape("\xC0\xBC").find('<'), std::string::npos);
  EXPECT_EQ(Escape("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(Escape("a\xE7\xB4"), "a\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(NumberTest, KeepsTheDigitsThatMatter) {
  EXPECT_EQ(Number(0.12344), "0.1234");
  EXPECT_EQ(Number(-0.00001), "−1.0e-05");
  EXPECT_EQ(Number(-0.5), "−0.5000");
  EXPECT_EQ(Number(0), "0.0000");
  EXPECT_EQ(Number(97.3238), "97.32");
  EXPECT_EQ(Number(10000), "10,000");
  EXPECT_EQ(Number(NAN), "–");
}

TEST(DecimalTest, HasATrueMinusSignAndNoneForZero) {
  EXPECT_EQ(Decimal(-32.46, 1), "−32.5");
  EXPECT_EQ(Decimal(-0.04, 1), "0.0");
  EXPECT_EQ(Decimal(0.5, 3), "0.500");
}

TEST(CountTest, GroupsThousands) {
  EXPECT_EQ(Count(0), "0");
  EXPECT_EQ(Count(999), "999");
  EXPECT_EQ(Count(1923), "1,923");
  EXPECT_EQ(Count(-1234567), "-1,234,567");
}

TEST(CoordinateTest, HasNoNeedlessDigits) {
  EXPECT_EQ(Coordinate(12.0), "12");
  EXPECT_EQ(Coordinate(1.2345), "1.23");
  EXPECT_EQ(Coordinate(-0.001), "0");
}

}  // namespace
}  // namespace unlasting::report
