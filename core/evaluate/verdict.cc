#include "core/evaluate/verdict.h"

#include <cmath>
#include <limits>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace unlasting::evaluate {
namespace {

constexpr char kEDistance[] = "e_distance.unbiased.all";
constexpr char kEmd[] = "emd.all";

double At(const Scores& scores, const std::string& name) {
  const auto it = scores.find(name);
  return it == scores.end() ? std::numeric_limits<double>::quiet_NaN() : it->second;
}

// "beats mean shift (E-distance 0.90 against 1.35, EMD 0.20 against 0.24; nearer by both in 2 of 3
// groups)", or by which of the two it does not.
std::string Phrase(const Comparison& c, const std::string& baseline) {
  const std::string name = ReadableName(baseline);
  std::string verb;
  if (c.beats()) {
    verb = absl::StrCat("beats ", name);
  } else if (c.closer_by_e_distance()) {
    verb = absl::StrCat("does not beat ", name, " by EMD");
  } else if (c.closer_by_emd()) {
    verb = absl::StrCat("does not beat ", name, " by E-distance");
  } else {
    verb = absl::StrCat("does not beat ", name);
  }
  return absl::StrFormat(
      "%s (E-distance %.3g against %.3g, EMD %.3g against %.3g; nearer by both in %d of %d %s)",
      verb, c.model_e_distance, c.baseline_e_distance, c.model_emd, c.baseline_emd, c.groups_better,
      c.groups, c.groups == 1 ? "group" : "groups");
}

// Names the simpler methods that are nearer than the model by both distances; "" where none is.
std::string SimplerAndNearer(const Scorecard& card) {
  std::map<std::string, Scores> methods;
  for (const GroupScores& group : card.groups) {
    for (const auto& [name, unused] : group.baselines) methods[name];
  }
  std::vector<std::string> ahead;
  for (const std::string& baseline : MethodsInOrder(methods)) {
    if (baseline == "ceiling") continue;
    const Comparison c = CompareWith(card, baseline);
    if (c.groups == 0 || !(c.baseline_e_distance < c.model_e_distance) ||
        !(c.baseline_emd < c.model_emd)) {
      continue;
    }
    ahead.push_back(absl::StrFormat("%s (E-distance %.3g, the model's %.3g; EMD %.3g, %.3g)",
                                    ReadableName(baseline), c.baseline_e_distance,
                                    c.model_e_distance, c.baseline_emd, c.model_emd));
  }
  if (ahead.empty()) return "";
  return absl::StrCat("Nearer than the model by both distances: ", absl::StrJoin(ahead, ", "), ".");
}

int GroupsWithoutEDistance(const Scorecard& scorecard) {
  int count = 0;
  for (const GroupScores& group : scorecard.groups) {
    count += std::isnan(At(group.scores, kEDistance)) ? 1 : 0;
  }
  return count;
}

// Says where the cells at hand do not tell the model from a baseline, whichever is ahead.
std::string NoiseRemark(const Scorecard& scorecard, const std::string& baseline) {
  const auto it = scorecard.differences.find(baseline);
  if (it == scorecard.differences.end()) return "";
  std::vector<std::string> within_noise;
  for (const auto& [score, title] : {std::pair{kEDistance, "E-distance"}, {kEmd, "EMD"}}) {
    const auto difference = it->second.find(score);
    if (difference == it->second.end() || std::isnan(difference->second.interval.low)) continue;
    if (!difference->second.beyond_noise()) within_noise.emplace_back(title);
  }
  if (within_noise.empty()) return "";
  return absl::StrCat(" By ", absl::StrJoin(within_noise, " and "), " its difference from ",
                      ReadableName(baseline),
                      " lies within the sampling noise of these "
                      "cells.");
}

}  // namespace

Comparison CompareWith(const Scorecard& scorecard, const std::string& baseline) {
  Comparison c;
  for (const GroupScores& group : scorecard.groups) {
    const auto it = group.baselines.find(baseline);
    if (it == group.baselines.end()) continue;
    const double model_e = At(group.scores, kEDistance), model_emd = At(group.scores, kEmd);
    const double other_e = At(it->second, kEDistance), other_emd = At(it->second, kEmd);
    if (std::isnan(model_e + model_emd + other_e + other_emd)) continue;
    ++c.groups;
    c.groups_better += model_e < other_e && model_emd < other_emd ? 1 : 0;
    c.model_e_distance += model_e;
    c.baseline_e_distance += other_e;
    c.model_emd += model_emd;
    c.baseline_emd += other_emd;
  }
  if (c.groups == 0) return c;
  for (double* sum : {&c.model_e_distance, &c.baseline_e_distance, &c.model_emd, &c.baseline_emd}) {
    *sum /= c.groups;
  }
  return c;
}

std::string ReadableName(const std::string& method) {
  return absl::StrReplaceAll(method, {{"_", " "}});
}

std::vector<std::string> MethodsInOrder(const std::map<std::string, Scores>& baselines) {
  std::vector<std::string> order;
  for (const char* first : {"no_change", "mean_shift"}) {
    if (baselines.count(first) > 0) order.emplace_back(first);
  }
  for (const auto& [name, unused] : baselines) {
    if (name != "no_change" && name != "mean_shift" && name != "ceiling") order.push_back(name);
  }
  if (baselines.count("ceiling") > 0) order.emplace_back("ceiling");
  return order;
}

std::vector<std::string> VerdictSentences(const Scorecard& card) {
  const Comparison no_change = CompareWith(card, "no_change");
  const Comparison mean_shift = CompareWith(card, "mean_shift");
  std::string first;
  if (no_change.groups == 0) {
    first = "No group has a defined E-distance, so nothing can be said about the model.";
  } else if (mean_shift.groups == 0) {
    first = absl::StrCat("The model ", Phrase(no_change, "no_change"),
                         "; mean shift could not be computed for any group, so whether the model "
                         "is ready is open.");
  } else {
    first = absl::StrCat("The model ", Phrase(no_change, "no_change"),
                         no_change.beats() == mean_shift.beats() ? " and " : ", but ",
                         Phrase(mean_shift, "mean_shift"), mean_shift.beats() ? "." : "; ");
    if (!mean_shift.beats()) {
      absl::StrAppend(&first, "a model that does not beat mean shift is not ready for use.");
    }
  }
  std::vector<std::string> sentences = {absl::StrCat(first, NoiseRemark(card, "mean_shift"))};
  const std::string ahead = SimplerAndNearer(card);
  if (!ahead.empty()) sentences.insert(sentences.begin(), ahead);
  for (const char* baseline :
       {"additive", "linear", "mean_shift_rank", "expected_response", "replay"}) {
    const Comparison comparison = CompareWith(card, baseline);
    if (comparison.groups == 0) continue;
    sentences.push_back(
        absl::StrCat("It ", Phrase(comparison, baseline), ".", NoiseRemark(card, baseline)));
  }
  if (const int undefined = GroupsWithoutEDistance(card); undefined > 0) {
    sentences.push_back(absl::StrCat("In ", undefined, " of ", card.groups.size(),
                                     " groups a single cell leaves the unbiased E-distance "
                                     "undefined."));
  }
  return sentences;
}

std::string Scorecard::Verdict() const { return absl::StrJoin(VerdictSentences(*this), " "); }

}  // namespace unlasting::evaluate
