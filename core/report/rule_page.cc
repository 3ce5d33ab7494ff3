#include "core/report/rule_page.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/report/chart.h"
#include "core/report/html.h"
#include "core/report/model_box.h"
#include "core/report/page.h"

namespace unlasting::report {
namespace {

using evaluate::rules::MemberValues;
using evaluate::rules::RuleScores;

constexpr double kLineHeight = 42;  // a name, and the line below it
// A member may lie anywhere; what is farther out is drawn at the edge, and the table has its value.
constexpr double kLow = -1, kHigh = 2;

constexpr char kReading[] = R"html(<section><h2>How to read this page</h2><div class="reading">
<p><b>Value</b> The member's mean over the perturbations; of the expression error, a ratio of sums.</p>
<p><b>b</b> What the mean response scores: control cells drawn with replacement, times the mean change
over all perturbations.</p>
<p><b>r</b> What one half of the true cells scores against the other, mean of five splits.</p>
<p><b>Scaled</b> 0 at b and 1 at r, for members of either direction. The average is their plain mean.</p>
<p><b>–</b> A value that is missing; the list of missing values says why.</p>
</div></section>
)html";

double ValueOf(const MemberValues& values, const std::string& member) {
  const auto it = values.find(member);
  return it == values.end() ? std::numeric_limits<double>::quiet_NaN() : it->second;
}

// A member's name as HTML, which may be broken after each of its words: headers of nine members are
// then no wider than a page.
std::string MemberHtml(const std::string& member) {
  return absl::StrReplaceAll(Escape(member), {{"_", "_<wbr>"}});
}

std::string Cell(double value) { return absl::StrCat("<td>", Number(value), "</td>"); }

bool Breaks(const RuleScores& scores) {
  return std::any_of(scores.remarks.begin(), scores.remarks.end(), [](const std::string& remark) {
    return absl::StartsWith(remark, "The average means nothing");
  });
}

std::string Version(const RuleScores& scores) {
  std::string text = absl::StrCat(
      scores.rule, ", version ",
      scores.version.is_string() ? scores.version.get<std::string>() : scores.version.dump());
  if (scores.digest.is_string()) {
    absl::StrAppend(&text, ", digest ", scores.digest.get<std::string>());
  }
  return text;
}

// What a reader has to know before the numbers.
std::string Verdict(const RuleScores& scores) {
  std::string html = "<div class=\"verdict\">";
  if (scores.has_scale) {
    const bool breaks = Breaks(scores);
    const std::string average = Number(scores.average);
    absl::StrAppend(
        &html, "<span class=\"badge ", breaks || !(scores.average > 0) ? "bad" : "good", "\">",
        std::isnan(scores.average) ? "The scale breaks: there is no average"
        : breaks ? absl::StrCat("The scale breaks: the average (", average, ") means nothing here")
                 : absl::StrCat("Average ", average,
                                ": 0 is the mean response, 1 a "
                                "replicate of the experiment"),
        "</span>");
  }
  for (const std::string& remark : scores.remarks) {
    absl::StrAppend(&html, "<p>", Escape(remark), "</p>");
  }
  return absl::StrCat(html, "</div>\n");
}

// The members that have a place on the scale.
std::string ScaleChart(const RuleScores& scores) {
  MemberValues placed;
  for (const auto& [member, scaled] : scores.scaled) {
    if (!std::isnan(scaled)) placed[member] = scaled;
  }
  if (placed.empty()) return "";
  Chart::Options options;
  // Names stand above their lines, so that a phone shows all of it.
  options.left = options.right = 14;
  options.top = 4;
  options.bottom = 44;
  options.width = 300;
  options.large = true;
  options.height = kLineHeight * static_cast<double>(placed.size()) + options.bottom + options.top;
  options.label = "Every member between the mean response and a replicate";
  options.x_title = "scaled";
  Chart chart(options, {kLow, kHigh}, {static_cast<double>(placed.size()), 0});
  chart.Grid(6, 0);
  double line = 0.7;
  for (const auto& [member, scaled] : placed) {
    chart.Text(2, chart.y()(line) - 12, member, "start", "name");
    chart.Segment(chart.x().from, chart.y()(line), chart.x().to, chart.y()(line), "grid");
    for (const double end : {0.0, 1.0}) {  // short, so that they do not strike the names through
      chart.Segment(chart.x()(end), chart.y()(line) - 7, chart.x()(end), chart.y()(line) + 7,
                    "axis");
    }
    chart.Marker(std::clamp(scaled, kLow, kHigh), line, 5.5, "mark predicted",
                 absl::StrCat(member, ": ", Number(scaled)));
    line += 1;
  }
  const bool beyond = std::any_of(placed.begin(), placed.end(), [](const auto& each) {
    return each.second < kLow || each.second > kHigh;
  });
  return absl::StrCat(
      "<figure class=\"scale\"><figcaption><b>Scale</b> 0 the mean response, 1 a "
      "replicate",
      beyond ? "; dots at the ends lie beyond them" : "", "</figcaption>", chart.Html(),
      "</figure>\n");
}

std::string MembersTable(const RuleScores& scores) {
  std::string html = absl::StrCat(
      "<figure class=\"table\"><figcaption><b>Members</b>",
      scores.has_scale ? " b: the mean response; r: a replicate of the experiment" : "",
      "</figcaption><div class=\"scroll\"><table><thead><tr><th>member</th><th>value</th>",
      scores.has_scale ? "<th>b</th><th>r</th><th>scaled</th>" : "", "</tr></thead><tbody>\n");
  for (const auto& [member, value] : scores.aggregate) {
    absl::StrAppend(&html, "<tr><th>", MemberHtml(member), "</th>", Cell(value));
    if (scores.has_scale) {
      absl::StrAppend(&html, Cell(ValueOf(scores.baseline, member)),
                      Cell(ValueOf(scores.replicate, member)),
                      Cell(ValueOf(scores.scaled, member)));
    }
    absl::StrAppend(&html, "</tr>\n");
  }
  absl::StrAppend(&html, "</tbody>");
  if (scores.has_scale) {
    absl::StrAppend(&html, "<tfoot><tr><th>average of the scaled members</th><td></td><td></td>",
                    "<td></td>", Cell(scores.average), "</tr></tfoot>");
  }
  return absl::StrCat(html, "</table></div></figure>\n");
}

std::string PerturbationsTable(const RuleScores& scores) {
  std::string html =
      "<figure class=\"table\"><figcaption><b>Perturbations</b></figcaption>"
      "<div class=\"scroll\"><table class=\"wide members\"><thead><tr><th>perturbation</th>";
  for (const auto& [member, unused] : scores.aggregate) {
    absl::StrAppend(&html, "<th>", MemberHtml(member), "</th>");
  }
  absl::StrAppend(&html, "</tr></thead><tbody>\n");
  for (const auto& [perturbation, members] : scores.perturbations) {
    absl::StrAppend(&html, "<tr><th>", Escape(perturbation), "</th>");
    for (const auto& [member, unused] : scores.aggregate) {
      absl::StrAppend(&html, Cell(ValueOf(members, member)));
    }
    absl::StrAppend(&html, "</tr>\n");
  }
  return absl::StrCat(html, "</tbody></table></div></figure>\n");
}

std::string MissingValues(const RuleScores& scores) {
  if (scores.reasons.empty()) return "";
  std::string html = absl::StrCat("<details><summary>", scores.reasons.size(),
                                  scores.reasons.size() == 1 ? " missing value" : " missing values",
                                  "</summary><ul>\n");
  for (const auto& [place, reason] : scores.reasons) {
    absl::StrAppend(&html, "<li><code>", Escape(place), "</code> ", Escape(reason), "</li>\n");
  }
  return absl::StrCat(html, "</ul></details>\n");
}

}  // namespace

std::string RenderRuleHtml(const std::string& title,
                           const std::map<std::string, RuleScores>& scores,
                           const nlohmann::json& manifest, const evaluate::Scorecard& trained) {
  std::string body;
  for (const auto& [cell_type, of_type] : scores) {
    absl::StrAppend(
        &body, "<section><h2>", Escape(cell_type.empty() ? "Scores" : cell_type),
        "</h2>\n<p class=\"note\">", Escape(Version(of_type)), "; ", of_type.perturbations.size(),
        of_type.perturbations.size() == 1 ? " perturbation" : " perturbations", "</p>\n",
        Verdict(of_type), MembersTable(of_type), of_type.has_scale ? ScaleChart(of_type) : "",
        PerturbationsTable(of_type), MissingValues(of_type), "</section>\n");
  }
  return RenderPage({"scores by a rule of the field", title, "", "",
                     absl::StrCat(body, ModelBox(manifest, trained), kReading)});
}

}  // namespace unlasting::report
