#include "core/report/chart.h"

#include <cmath>

#include "core/report/text_width.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::report {
namespace {

using ::testing::DoubleNear;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pointwise;

TEST(TicksTest, AreRoundNumbersWithinTheRange) {
  EXPECT_THAT(Ticks(0, 1, 5),
              Pointwise(DoubleNear(1e-12), std::vector<double>{0, 0.2, 0.4, 0.6, 0.8, 1.0}));
  EXPECT_THAT(Ticks(-0.3, 0.3, 3),
              Pointwise(DoubleNear(1e-12), std::vector<double>{-0.2, 0.0, 0.2}));
  EXPECT_THAT(Ticks(3, 996, 4),
              Pointwise(DoubleNear(1e-9), std::vector<double>{250.0, 500.0, 750.0}));
}

TEST(TicksTest, ArePowersOfTenOnAWideLogarithmicAxis) {
  EXPECT_THAT(Ticks(0.02, 30, 5, true),
              Pointwise(DoubleNear(1e-9), std::vector<double>{0.1, 1.0, 10.0}));
}

TEST(ScaleTest, MapsRangesUprightAndLogarithmically) {
  const Scale upright = {0, 10, 200, 0, false};
  EXPECT_DOUBLE_EQ(upright(2.5), 150);
  const Scale decades = {1, 100, 0, 50, true};
  EXPECT_DOUBLE_EQ(decades(10), 25);
}

TEST(PaddedTest, NeverGivesAnEmptyRange) {
  EXPECT_THAT(Padded(2, 2), testing::Pair(1.5, 2.5));
  EXPECT_THAT(Padded(HUGE_VAL, -HUGE_VAL), testing::Pair(0, 1));
}

TEST(ChartTest, EscapesWhatIsWrittenOnIt) {
  Chart::Options options;
  options.label = "\"quoted\"";
  options.x_title = "<x>";
  options.y_title = "a & b";
  Chart chart(options, {0, 1}, {0, 1});
  chart.Grid(3, 3);
  chart.Text(0, 0, "<b>", "start");
  chart.Marker(0.5, 0.5, 3, "mark", "<i>");
  const std::string html = chart.Html();
  for (const char* raw : {"<x>", "<b>", "<i>", "\"\"quoted"})
    EXPECT_THAT(html, Not(HasSubstr(raw)));
  for (const char* safe : {"&lt;x&gt;", "&lt;b&gt;", "a &amp; b", "&quot;quoted&quot;"}) {
    EXPECT_THAT(html, HasSubstr(safe));
  }
}

TEST(ChartTest, DrawsNothingForNoPoints) {
  Chart chart({}, {0, 1}, {0, 1});
  chart.Line({}, "line");
  chart.Area({}, 0, "area");
  EXPECT_THAT(chart.Html(), Not(HasSubstr("poly")));
}

TEST(ChartText, IsGivenTheSameWidthInEveryFontAndStaysWithinThePlot) {
  Chart::Options options;
  options.width = 100;
  Chart chart(options, {0, 1}, {0, 1});
  chart.Text(10, 10, "iii", "start");
  EXPECT_THAT(chart.Html(), HasSubstr("textLength=\"6.99\""));  // 3 times 0.222 of 10.5
  chart.Text(90, 10, std::string(40, 'W'), "start");
  EXPECT_THAT(chart.Html(), HasSubstr("textLength=\"10\""));
  chart.Text(30, 10, std::string(40, 'W'), "end");
  EXPECT_THAT(chart.Html(), HasSubstr("textLength=\"30\""));
  chart.Text(20, 10, std::string(40, 'W'), "middle");
  EXPECT_THAT(chart.Html(), HasSubstr("textLength=\"40\""));
}

TEST(ChartText, HasNoWidthWhereItIsEmpty) {
  Chart chart({}, {0, 1}, {0, 1});
  chart.Text(10, 10, "", "start");
  EXPECT_THAT(chart.Html(), Not(HasSubstr("textLength")));
}

TEST(TextWidth, CountsLettersAndNotBytes) {
  EXPECT_DOUBLE_EQ(TextWidth("", 10), 0);
  EXPECT_DOUBLE_EQ(TextWidth("W", 10), 9.44);
  EXPECT_DOUBLE_EQ(TextWidth("µ", 10), 6);
  EXPECT_DOUBLE_EQ(TextWidth("細", 10), 10);
  EXPECT_DOUBLE_EQ(TextWidth("\x80\xbf\n", 10), 0);  // no letter begins here
}

}  // namespace
}  // namespace unlasting::report
