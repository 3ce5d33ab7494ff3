// RuleScores is what a scoring rule of the field says about a prediction, ready to be printed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/evaluate/rules/cell_table.h"
#include "nlohmann/json.hpp"

namespace unlasting::evaluate::rules {

using MemberValues = std::map<std::string, double>;  // NaN: missing, with a reason

struct RuleScores {
  std::string rule;
  nlohmann::json version;                             // as the reference states it
  nlohmann::json digest;                              // null where the reference has none
  std::map<std::string, MemberValues> perturbations;  // by target
  MemberValues aggregate;
  // The ends of the scale, where the rule has one: b, the mean response's aggregates, and r, a
  // replicate's; and the aggregates on that scale.
  bool has_scale = false;
  MemberValues baseline, replicate, scaled, from_baseline;
  std::map<std::string, MemberValues> replicate_splits;
  double average = 0;  // of the six scaled ones; NaN where one is missing
  // What the members are made of: budget, claim, N_conf, k* and the like.
  nlohmann::json parts = nlohmann::json::object();
  // Why a value is missing, by its place: "aggregate.MEMBER", "perturbations.TARGET.MEMBER".
  std::map<std::string, std::string> reasons;
  std::vector<std::string> remarks;  // whole sentences for the reader

  // Keys rule, rule_version, rule_digest, perturbations, aggregate, parts, reasons and remarks, and
  // with a scale baseline, replicate, replicate_splits, scaled, from_baseline and average. A
  // missing value is null, and `reasons` says why.
  nlohmann::json ToJson() const;
  // A table for a terminal: each member with its aggregate and, with a scale, b, r and the scaled
  // value; then the average and the remarks.
  std::string ToText() const;
};

// Adds a remark for every group of `side` whose cells hold no counts at all. `profiles` are
// [groups, genes], the control's last.
void RemarkOnEmptyGroups(const std::string& side, const Groups& groups,
                         const std::vector<double>& profiles, RuleScores* scores);

}  // namespace unlasting::evaluate::rules
