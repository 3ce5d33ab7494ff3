// RenderRuleHtml renders one self-contained HTML page about scores by a rule of the field, without
// scripts or styles from elsewhere.
#pragma once

#include <map>
#include <string>

#include "core/evaluate/rules/rule_scores.h"
#include "core/evaluate/scorecard.h"
#include "nlohmann/json.hpp"

namespace unlasting::report {

// Where the scale breaks, the page says so before any number. Then, for each cell type of `scores`
// (the name "" stands for a file that was scored as a whole): every member beside b, r and its
// place on the scale, where the rule has one, each perturbation's members, and why a value is
// missing. Readable in light and dark, on a phone and on paper.
// `manifest` is that of the model that was scored, or names the files; empty where neither is
// known.
std::string RenderRuleHtml(const std::string& title,
                           const std::map<std::string, evaluate::rules::RuleScores>& scores,
                           const nlohmann::json& manifest = {},
                           const evaluate::Scorecard& trained = {});

}  // namespace unlasting::report
