#include "core/report/overview.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "core/evaluate/verdict.h"
#include "core/report/chart.h"
#include "core/report/html.h"

namespace unlasting::report {
namespace {

using evaluate::GroupScores;
using evaluate::Scorecard;
using evaluate::Scores;

constexpr size_t kMaxGroups = 30;
constexpr double kLineHeight = 26;
constexpr size_t kLongestName = 26;
constexpr size_t kNamesShown = 6;

// Which dots are drawn, in drawing order: the model last, on top. Those of baselines lie a little
// above or below the line, so that equals do not hide one another.
struct Method {
  const char* name;
  const char* classes;
  double lift;  // in page units
};
constexpr Method kMethods[] = {{"ceiling", "ceiling", 0},
                               {"no_change", "control", 0},
                               {"additive", "additive", 4.5},
                               {"linear", "linear", -4.5},
                               {"mean_shift_rank", "rank", 4.5},
                               {"mean_shift", "shift", -4.5},
                               {"replay", "replay", 7},
                               {"expected_response", "expected", -7},
                               {"", "predicted", 0}};
// The order of the tables.
constexpr const char* kLegend[] = {"",       "no_change",       "mean_shift",        "additive",
                                   "linear", "mean_shift_rank", "expected_response", "replay",
                                   "ceiling"};

std::string Label(const Method& method) {
  return *method.name == 0 ? "model" : evaluate::ReadableName(method.name);
}

double ScoreOf(const GroupScores& group, const std::string& method, const std::string& score) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const Scores* scores = &group.scores;
  if (!method.empty()) {
    const auto it = group.baselines.find(method);
    if (it == group.baselines.end()) return kNan;
    scores = &it->second;
  }
  const auto it = scores->find(score);
  return it == scores->end() ? kNan : it->second;
}

// Cut by code points, so that a name never ends within a letter.
std::string Shortened(const std::string& name) {
  size_t letters = 0;
  for (size_t k = 0; k < name.size(); ++k) {
    if ((static_cast<unsigned char>(name[k]) & 0xC0u) == 0x80u) continue;
    if (++letters > kLongestName) return absl::StrCat(name.substr(0, k), "…");
  }
  return name;
}

std::string DotPlot(const std::vector<const GroupScores*>& groups, const std::string& score,
                    const std::string& title, bool names) {
  double low = 0, high = 0;
  for (const GroupScores* group : groups) {
    for (const Method& method : kMethods) {
      const double value = ScoreOf(*group, method.name, score);
      if (std::isnan(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
    const auto interval = group->intervals.find(score);
    if (interval == group->intervals.end() || !std::isfinite(interval->second.low)) continue;
    low = std::min(low, interval->second.low);
    high = std::max(high, interval->second.high);
  }
  Chart::Options options;
  options.left = names ? 190 : 16;
  options.width = options.left + 330;
  options.height = kLineHeight * static_cast<double>(groups.size()) + 52;
  options.label = absl::StrCat(title, " of every group and method");
  options.x_title = title;
  const double n = static_cast<double>(groups.size());
  Chart chart(options, Padded(low, high), {n, 0});
  for (const double tick : Ticks(chart.x().low, chart.x().high, 6)) {
    chart.Segment(chart.x()(tick), chart.y().from, chart.x()(tick), chart.y().to, "grid");
  }
  chart.Grid(6, 0);
  for (size_t k = 0; k < groups.size(); ++k) {
    const double line = static_cast<double>(k) + 0.5;
    const std::string name = evaluate::GroupName(groups[k]->key);
    if (names) chart.Text(options.left - 10, chart.y()(line) + 3.5, Shortened(name), "end", "name");
    chart.Segment(chart.x().from, chart.y()(line), chart.x().to, chart.y()(line), "grid");
    const auto interval = groups[k]->intervals.find(score);
    if (interval != groups[k]->intervals.end() && std::isfinite(interval->second.low)) {
      chart.Segment(chart.x()(interval->second.low), chart.y()(line),
                    chart.x()(interval->second.high), chart.y()(line), "interval");
    }
    for (const Method& method : kMethods) {
      const double value = ScoreOf(*groups[k], method.name, score);
      if (std::isnan(value)) continue;
      chart.Marker(value, line + method.lift / kLineHeight, *method.name == 0 ? 5.5 : 4.5,
                   absl::StrCat("mark ", method.classes),
                   absl::StrCat(name, ", ", Label(method), ": ", Number(value)));
    }
  }
  return chart.Html();
}

// The groups where mean shift is nearer, by which distance; "" where there are none.
std::string WhereItLoses(const Scorecard& card) {
  std::vector<std::string> both, e_distance, emd;
  for (const GroupScores& group : card.groups) {
    const auto lost = [&group](const char* score) {
      return ScoreOf(group, "mean_shift", score) <= ScoreOf(group, "", score);
    };
    const bool by_e_distance = lost("e_distance.unbiased.all"), by_emd = lost("emd.all");
    if (!by_e_distance && !by_emd) continue;
    auto& names = by_e_distance && by_emd ? both : by_emd ? emd : e_distance;
    names.push_back(evaluate::GroupName(group.key));
  }
  const auto listed = [](const std::vector<std::string>& names, const std::string& what) {
    if (names.empty()) return std::string();
    const size_t shown = std::min(names.size(), kNamesShown);
    return absl::StrCat(
        "<li>Mean shift is nearer by ", what, " in ",
        Escape(absl::StrJoin(names.begin(), names.begin() + shown, ", ")),
        shown < names.size() ? absl::StrCat(" and ", names.size() - shown, " more") : "", ".</li>");
  };
  return absl::StrCat(listed(both, "both distances"), listed(e_distance, "E-distance alone"),
                      listed(emd, "EMD alone"));
}

// "a", "a and b", "a, b and c".
std::string Listed(const std::vector<std::string>& names) {
  if (names.size() < 2) return names.empty() ? "" : names[0];
  return absl::StrCat(absl::StrJoin(names.begin(), names.end() - 1, ", "), " and ", names.back());
}

// Those beside no change and mean shift; the ceiling is none.
std::vector<std::string> FurtherBaselines(const Scorecard& card) {
  std::vector<std::string> further;
  for (const std::string& name : evaluate::MethodsInOrder(card.baselines)) {
    if (name != "no_change" && name != "mean_shift" && name != "ceiling") further.push_back(name);
  }
  return further;
}

// For each further baseline, the groups where it is nearer by both distances.
std::string WhereOthersWin(const Scorecard& card) {
  std::string html;
  for (const std::string& baseline : FurtherBaselines(card)) {
    std::vector<std::string> names;
    for (const GroupScores& group : card.groups) {
      const auto nearer = [&](const char* score) {
        return ScoreOf(group, baseline, score) <= ScoreOf(group, "", score);
      };
      if (nearer("e_distance.unbiased.all") && nearer("emd.all")) {
        names.push_back(evaluate::GroupName(group.key));
      }
    }
    if (names.empty()) continue;
    const size_t shown = std::min(names.size(), kNamesShown);
    std::string name = evaluate::ReadableName(baseline);
    name[0] = absl::ascii_toupper(static_cast<unsigned char>(name[0]));
    absl::StrAppend(
        &html, "<li>", Escape(name), " is nearer by both distances in ",
        Escape(absl::StrJoin(names.begin(), names.begin() + shown, ", ")),
        shown < names.size() ? absl::StrCat(" and ", names.size() - shown, " more") : "", ".</li>");
  }
  return html;
}

// The first sentence, and what qualifies it.
std::string Verdict(const Scorecard& card) {
  const std::vector<std::string> sentences = evaluate::VerdictSentences(card);
  std::string qualified = absl::StrCat(WhereItLoses(card), WhereOthersWin(card));
  for (size_t k = 1; k < sentences.size(); ++k) {
    absl::StrAppend(&qualified, "<li>", Escape(sentences[k]), "</li>");
  }
  return absl::StrCat("<p>", Escape(sentences[0]), "</p>",
                      qualified.empty() ? "" : absl::StrCat("<ul>", qualified, "</ul>"));
}

// Of the methods that the card holds.
std::string Legend(const Scorecard& card) {
  std::string html = "<p class=\"legend\">";
  for (const absl::string_view name : kLegend) {
    if (!name.empty() && card.baselines.count(std::string(name)) == 0) continue;
    const auto* method = std::find_if(std::begin(kMethods), std::end(kMethods),
                                      [name](const Method& each) { return each.name == name; });
    absl::StrAppend(&html, "<i class=\"key ", method->classes, "\"></i>", Label(*method), " ");
  }
  return html + "<span>bars: 95 % interval of the model</span></p>\n";
}

std::string Badge(const char* classes, const std::string& text) {
  return absl::StrCat("<span class=\"badge ", classes, "\">", Escape(text), "</span>");
}

// The worst news first: a model is as good as the simplest baseline that it does not beat.
std::string Mark(const Scorecard& card) {
  const auto shift = evaluate::CompareWith(card, "mean_shift");
  const auto still = evaluate::CompareWith(card, "no_change");
  if (still.groups == 0) return Badge("open", "nothing to compare");
  if (shift.groups == 0) return Badge("open", "mean shift not computed");
  if (!shift.beats()) return Badge("bad", "✗ does not beat mean shift");
  if (!still.beats()) return Badge("bad", "✗ does not beat no change");
  std::vector<std::string> beaten = {"no change", "mean shift"}, unbeaten;
  for (const std::string& name : FurtherBaselines(card)) {
    const auto comparison = evaluate::CompareWith(card, name);
    if (comparison.groups == 0) continue;
    (comparison.beats() ? beaten : unbeaten).push_back(evaluate::ReadableName(name));
  }
  if (!unbeaten.empty()) {
    return Badge("open", absl::StrCat("beats ", Listed(beaten), ", but not ", Listed(unbeaten)));
  }
  return Badge("good", absl::StrCat("✓ beats ", Listed(beaten)));
}

}  // namespace

std::vector<const GroupScores*> MostChangedFirst(const Scorecard& card) {
  std::vector<const GroupScores*> groups;
  for (const GroupScores& group : card.groups) groups.push_back(&group);
  const auto change = [](const GroupScores* group) {
    const double value = ScoreOf(*group, "no_change", "e_distance.unbiased.all");
    return std::isnan(value) ? -std::numeric_limits<double>::infinity() : value;
  };
  std::stable_sort(groups.begin(), groups.end(),
                   [&change](const auto* a, const auto* b) { return change(a) > change(b); });
  return groups;
}

std::string OverviewSection(const Scorecard& card) {
  std::string html =
      absl::StrCat("<section><div class=\"verdict\">", Mark(card), Verdict(card), "</div>\n");
  if (!card.groups.empty()) {
    auto groups = MostChangedFirst(card);
    groups.resize(std::min(groups.size(), kMaxGroups));
    absl::StrAppend(
        &html, Legend(card), "<div class=\"pair\">",
        DotPlot(groups, "e_distance.unbiased.all", "E-distance (unbiased, all genes)", true),
        DotPlot(groups, "emd.all", "EMD (all genes)", false), "</div>\n");
    if (groups.size() < card.groups.size()) {
      absl::StrAppend(&html, "<p class=\"note\">The ", groups.size(), " most changed of ",
                      card.groups.size(), " groups; the tables hold all.</p>\n");
    }
  }
  return html + "</section>\n";
}

}  // namespace unlasting::report
