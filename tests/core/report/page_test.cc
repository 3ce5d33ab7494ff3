#include "core/report/page.h"

#include "absl/strings/escaping.h"
#include "core/base/file.h"
#include "core/report/remark.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Between(const std::string& text, const std::string& start, const std::string& end) {
  const size_t from = text.find(start) + start.size();
  return text.substr(from, text.find(end, from) - from);
}

TEST(RenderPageTest, ThePolicyAllowsTheOneStyleAndTheOneScriptOnThePage) {
  const std::string page = RenderPage({"kind", "title", "", "", "<section><h2>A</h2></section>"});
  for (const char* element : {"style", "script"}) {
    const std::string text =
        Between(page, absl::StrCat("<", element, ">"), absl::StrCat("</", element, ">"));
    ASSERT_GT(text.size(), 1000u) << element;
    EXPECT_THAT(page, HasSubstr(absl::StrCat(
                          element, "-src 'sha256-",
                          absl::Base64Escape(absl::HexStringToBytes(Sha256(text))), "'")));
  }
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_LT(page.find("Content-Security-Policy"), page.find("<style>"));
}

TEST(RenderPageTest, ListsTheSectionsInOrderAndLinksThem) {
  const std::string page =
      RenderPage({"kind", "title", "", "",
                  "<section><h2>A &amp; B</h2></section><section>none</section>"
                  "<section><h2>C</h2></section>"});
  EXPECT_THAT(page,
              HasSubstr("<li><a href=\"#s1\">A &amp; B</a></li><li><a href=\"#s2\">C</a></li>"));
  EXPECT_THAT(page, HasSubstr("<section id=\"s2\"><h2>C</h2>"));
  EXPECT_THAT(page, HasSubstr("<section>none</section>"));
}

TEST(RenderPageTest, OneSectionNeedsNoContents) {
  EXPECT_THAT(RenderPage({"kind", "title", "", "", "<section><h2>A</h2></section>"}),
              Not(HasSubstr("<nav")));
}

TEST(RenderPageTest, TheFirstLineStandsBeforeAllElse) {
  const std::string page = RenderPage({"kind", "title", "", "<p>first</p>", ""});
  EXPECT_THAT(page, HasSubstr("<body>\n<p>first</p>"));
}

TEST(FactsTest, LeaveOutWhatIsEmptyAndEscapeTheRest) {
  EXPECT_EQ(FactsHtml({{"a", ""}}), "");
  const std::string html = FactsHtml({{"a", ""}, {"<b>", "\"x\" & y"}});
  EXPECT_THAT(html, HasSubstr("<dt>&lt;b&gt;</dt><dd>&quot;x&quot; &amp; y</dd>"));
  EXPECT_THAT(html, Not(HasSubstr("<dt>a</dt>")));
}

TEST(SummaryTest, IsGoodWhereNothingIsSaid) {
  EXPECT_EQ(SummaryOf({}, {"A"}, {{}}).light, Light::kGood);
}

TEST(SummaryTest, OfOnePerturbationIsItsWorstRemark) {
  const Remark summary =
      SummaryOf({}, {"A"}, {{{Light::kGood, "Near", "near."}, {Light::kBad, "Far", "far away."}}});
  EXPECT_EQ(summary.title, "Far");
  EXPECT_EQ(summary.text, "far away.");
}

TEST(SummaryTest, CountsAndNamesThePerturbationsOfTheWorstLight) {
  const std::vector<Remark> far = {{Light::kBad, "Far", "far away."}};
  const std::vector<Remark> near = {{Light::kGood, "Near", "near."}};
  const Remark summary =
      SummaryOf({}, {"A", "B", "C", "D", "E", "F", "G"}, {far, near, far, far, far, far, far});
  EXPECT_EQ(summary.text, "6 of 7 perturbations (A, C, D, E and 2 more), for example A: far away.");
}

TEST(SummaryTest, AWrongScaleComesFirstAndDistanceAfterIt) {
  const std::vector<Remark> far = {{Light::kBad, "Far", "far away."}};
  const Remark summary = SummaryOf({{Light::kBad, "Wrong scale", "other sums."}}, {"A"}, {far});
  EXPECT_EQ(summary.title, "Wrong scale");
  EXPECT_EQ(summary.text, "other sums. Far: far away.");
}

TEST(SummaryTest, WhatThePerturbationsSayAgainIsLeftToThem) {
  const std::vector<Remark> far = {{Light::kBad, "Far", "T was never perturbed."}};
  const Remark whole = {Light::kBad, "New type", "T is new.", true};
  EXPECT_EQ(SummaryOf({whole}, {"A"}, {far}).text, "T was never perturbed.");
  EXPECT_EQ(SummaryOf({whole}, {"A"}, {{}}).text, "T is new.");
}

}  // namespace
}  // namespace unlasting::report
