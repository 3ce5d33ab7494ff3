#include "core/report/prediction_tables.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/report/html.h"

namespace unlasting::report {
namespace {

// With the interval in small print.
std::string ErrorCell(double expected, const std::string& range) {
  if (!std::isfinite(expected)) return "<td>–</td>";
  return NumberCell(
      expected,
      absl::StrCat(absl::StrFormat("%.3g", expected),
                   range.empty() ? "" : absl::StrCat("<small>", Escape(range), "</small>")));
}

}  // namespace

std::string NumberCell(double value, const std::string& text) {
  if (!std::isfinite(value)) return "<td>–</td>";
  return absl::StrFormat("<td data-v=\"%.6g\">%s</td>", value, text);
}
std::string Percent(double share) {
  return NumberCell(share, absl::StrFormat("%.0f %%", 100 * share));
}

std::vector<const GeneChange*> Strongest(const std::vector<GeneChange>& genes, double sign,
                                         size_t most) {
  std::vector<const GeneChange*> chosen;
  for (const GeneChange& gene : genes) {
    if (sign * (gene.mean - gene.control_mean) > 0) chosen.push_back(&gene);
  }
  const auto strength = [](const GeneChange* gene) {
    const double score = std::isnan(gene->score) ? 0 : std::abs(gene->score);
    return std::make_pair(score, std::abs(gene->mean - gene->control_mean));
  };
  std::stable_sort(chosen.begin(), chosen.end(),
                   [&](const auto* a, const auto* b) { return strength(a) > strength(b); });
  chosen.resize(std::min(chosen.size(), most));
  return chosen;
}

const char kChangeHeaders[] =
    "<th>trust</th><th>change</th><th>genes up</th><th>genes down</th><th>predicted error</th>"
    "<th>seen in training</th><th class=\"words\">top genes</th>";

std::string ChangeCells(const std::vector<GeneChange>& genes, const std::vector<Remark>& remarks,
                        double expected_error, const std::string& expected_error_range,
                        const std::string& seen) {
  const ChangeCount count = CountChanges(genes);
  std::string names;
  for (const GeneChange* gene : Strongest(genes, 1, 3)) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", "▲\u00a0", gene->symbol);
  }
  for (const GeneChange* gene : Strongest(genes, -1, 3)) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", "▼\u00a0", gene->symbol);
  }
  const Light light = WorstOf(remarks);
  const char* word = light == Light::kGood ? "good" : light == Light::kCare ? "with care" : "low";
  return absl::StrCat(
      "<td data-v=\"", static_cast<int>(light), "\"><span class=\"badge ", ClassOf(light), "\">",
      MarkOf(light), " ", word, "</span></td>", NumberCell(count.length, Decimal(count.length, 3)),
      count.tested > 0 ? absl::StrCat("<td>", count.up, "</td><td>", count.down, "</td>")
                       : "<td>–</td><td>–</td>",
      ErrorCell(expected_error, expected_error_range), "<td>", Escape(seen),
      "</td><td class=\"words\">", Escape(names), "</td>");
}

std::string List(const std::vector<std::string>& sentences) {
  if (sentences.empty()) return "";
  std::string html = "<ul class=\"remarks\">\n";
  for (const std::string& sentence : sentences) {
    absl::StrAppend(&html, "<li>", Escape(sentence), "</li>\n");
  }
  return absl::StrCat(html, "</ul>\n");
}

std::string RemarksHtml(const std::vector<Remark>& remarks) {
  std::string html;
  for (const Light light : {Light::kBad, Light::kCare, Light::kGood}) {
    for (const Remark& remark : remarks) {
      if (remark.light == light) html += RemarkHtml(remark);
    }
  }
  return html;
}

}  // namespace unlasting::report
