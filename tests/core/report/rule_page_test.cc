#include "core/report/rule_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace unlasting::report {
namespace {

using evaluate::rules::RuleScores;
using ::testing::HasSubstr;
using ::testing::Not;

RuleScores Scaled() {
  RuleScores scores;
  scores.rule = "vcc2026";
  scores.version = 3;
  scores.digest = "fb5aa56b";
  scores.aggregate = {{"pds_cosine", 0.75}, {"sig_jaccard", 0.25}};
  scores.perturbations = {{"STAT1", {{"pds_cosine", 0.5}, {"sig_jaccard", 0.125}}}};
  scores.has_scale = true;
  scores.baseline = {{"pds_cosine", 0.5}, {"sig_jaccard", 0.0}};
  scores.replicate = {{"pds_cosine", 1.0}, {"sig_jaccard", 0.625}};
  scores.scaled = {{"pds_cosine", 0.5}, {"sig_jaccard", 0.4}};
  scores.average = 0.45;
  return scores;
}

TEST(RuleReportTest, ShowsEveryMemberBesideItsEndsAndItsPlaceOnTheScale) {
  const std::string page = RenderRuleHtml("Scores of p.h5ad", {{"", Scaled()}});
  EXPECT_THAT(page, HasSubstr("vcc2026, version 3, digest fb5aa56b; 1 perturbation<"));
  EXPECT_THAT(page, HasSubstr("<tr><th>sig_<wbr>jaccard</th><td>0.2500</td><td>0.0000</td>"
                              "<td>0.6250</td><td>0.4000</td></tr>"));
  EXPECT_THAT(page, HasSubstr("<tr><th>STAT1</th><td>0.5000</td><td>0.1250</td></tr>"));
  EXPECT_THAT(page, HasSubstr("badge good\">Average 0.4500"));
}

TEST(RuleReportTest, SaysBeforeAnyNumberThatTheAverageMeansNothing) {
  RuleScores scores = Scaled();
  scores.remarks = {"The scale breaks: r of sig_jaccard is -0.4.",
                    "The average means nothing here: read each member beside its b and r."};
  const std::string page = RenderRuleHtml("p", {{"", scores}});
  EXPECT_THAT(page, HasSubstr("badge bad\">The scale breaks: the average (0.4500) means nothing"));
  EXPECT_THAT(page, HasSubstr("<p>The average means nothing here: read each member beside"));
  EXPECT_LT(page.find("means nothing"), page.find("<td>"));
}

TEST(RuleReportTest, SaysThatThereIsNoAverageAndThatDotsLieBeyondTheScale) {
  RuleScores scores = Scaled();
  EXPECT_THAT(RenderRuleHtml("p", {{"", scores}}), Not(HasSubstr("lie beyond")));
  scores.scaled["pds_cosine"] = -2.5;
  scores.average = std::numeric_limits<double>::quiet_NaN();
  const std::string page = RenderRuleHtml("p", {{"", scores}});
  EXPECT_THAT(page, HasSubstr("badge bad\">The scale breaks: there is no average<"));
  EXPECT_THAT(page, HasSubstr("dots at the ends lie beyond them"));
}

TEST(RuleReportTest, ARuleWithoutAScaleHasNeitherEndsNorAverage) {
  RuleScores scores = Scaled();
  scores.has_scale = false;
  const std::string page = RenderRuleHtml("p", {{"", scores}});
  EXPECT_THAT(page, HasSubstr("<tr><th>pds_<wbr>cosine</th><td>0.7500</td></tr>"));
  EXPECT_THAT(page, Not(HasSubstr("badge good\">")));
  EXPECT_THAT(page, Not(HasSubstr("<svg")));
}

TEST(RuleReportTest, SaysOfWhichModelAndSplitTheScoresAre) {
  const std::string page = RenderRuleHtml(
      "p", {{"", Scaled()}}, {{"name", "model"}, {"version", "7"}, {"split", {{"kind", "cells"}}}});
  EXPECT_THAT(page, HasSubstr("<dd>model, version 7</dd>"));
  EXPECT_THAT(page, HasSubstr("<dd>by cells</dd>"));
  EXPECT_THAT(RenderRuleHtml("p", {{"", Scaled()}}), Not(HasSubstr("Model, split")));
}

TEST(RuleReportTest, AMissingValueHasItsReason) {
  RuleScores scores = Scaled();
  scores.aggregate["sig_jaccard"] = std::numeric_limits<double>::quiet_NaN();
  scores.reasons["aggregate.sig_jaccard"] = "no perturbation has 10 significant genes";
  const std::string page = RenderRuleHtml("p", {{"", scores}});
  EXPECT_THAT(page, HasSubstr("<tr><th>sig_<wbr>jaccard</th><td>–</td>"));
  EXPECT_THAT(page, HasSubstr("<code>aggregate.sig_jaccard</code> no perturbation has 10"));
}

TEST(RuleReportTest, EscapesNamesAndTellsCellTypesApart) {
  RuleScores scores = Scaled();
  scores.perturbations["<script>"] = {};
  const std::string page = RenderRuleHtml("a <b> & c", {{"B cell", scores}, {"T cell", Scaled()}});
  EXPECT_THAT(page, HasSubstr("<tr><th>&lt;script&gt;</th>"));
  EXPECT_EQ(page.find("<script"), page.rfind("<script"));
  EXPECT_THAT(page, HasSubstr("<title>a &lt;b&gt; &amp; c</title>"));
  EXPECT_LT(page.find("<h2>B cell</h2>"), page.find("<h2>T cell</h2>"));
}

}  // namespace
}  // namespace unlasting::report
