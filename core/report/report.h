// One self-contained HTML page about a model: no scripts or styles from elsewhere.
#pragma once

#include <string>
#include <vector>

#include "core/evaluate/scorecard.h"
#include "nlohmann/json.hpp"

namespace unlasting::report {

struct ReportInput {
  std::string title;
  nlohmann::json manifest;               // the bundle's manifest.json; may be empty
  std::vector<nlohmann::json> training;  // lines of training.jsonl; may be empty
  evaluate::Scorecard scorecard;
  const std::vector<evaluate::Group>* groups = nullptr;  // for the distribution plots; may be null
  std::vector<std::string> genes;
};

// Score tables with baselines, the sentence in words, loss curves and the distributions (control,
// true, predicted) of each group's top genes, as inline SVG; readable in light and dark.
std::string RenderHtml(const ReportInput& input);

}  // namespace unlasting::report
