// report.h renders one self-contained HTML page about a model, without scripts or styles from
// elsewhere.
#pragma once

#include <string>
#include <vector>

#include "core/base/matrix.h"
#include "core/evaluate/scorecard.h"
#include "core/report/trained_dose.h"
#include "nlohmann/json.hpp"

namespace unlasting::report {

class GroupPlots;

struct ReportInput {
  std::string title;
  nlohmann::json manifest;               // the bundle's manifest.json; may be empty
  std::vector<nlohmann::json> training;  // lines of training.jsonl; may be empty
  evaluate::Scorecard scorecard;
  const GroupPlots* plots = nullptr;       // of the groups (group_plots.h); may be null
  std::vector<TrainedDose> trained_doses;  // the rest of the dose-response curves; may be empty
  std::vector<std::string> genes;      // names as readers know them: symbols where there are any
  const CsrMatrix* network = nullptr;  // [nodes, nodes], row = target; may be null
  std::vector<std::string> network_nodes;
};

// The verdict in words, scores with baselines and intervals, and for each group the mean changes,
// the cells on two principal components and the distributions of the top genes; dose-response
// curves, the network, loss curves. Inline SVG; readable in light and dark, and on paper.
std::string RenderHtml(const ReportInput& input);

}  // namespace unlasting::report
