// What training had seen of the groups that a scorecard holds.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/evaluate/scorecard.h"

namespace unlasting::evaluate {
namespace {

// Long lists of groups are cut: the JSON has them all.
constexpr size_t kMaxNamed = 12;

std::string Named(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kMaxNamed);
  return absl::StrCat(
      absl::StrJoin(names.begin(), names.begin() + static_cast<int64_t>(shown), ", "),
      shown < names.size() ? ", ..." : "");
}

}  // namespace

std::string Scorecard::TrainedText() const {
  std::map<std::string, std::vector<std::string>> seen, from;
  for (const GroupScores& group : groups) {
    if (!group.trained.empty()) seen[group.trained].push_back(GroupName(group.key));
    if (!group.baselines_from.empty()) {
      from[group.baselines_from].push_back(GroupName(group.key));
    }
  }
  std::string text;
  for (const auto& [what, names] : seen) {
    absl::StrAppend(&text, "Training had ", what, " for ", names.size(), " of ", groups.size(),
                    groups.size() == 1 ? " group: " : " groups: ", Named(names), ".\n");
  }
  for (const auto& [cells, names] : from) {
    absl::StrAppend(&text, "Mean shift, with rank, and linear come from training cells of ", cells,
                    " for ", names.size(), " of ", groups.size(),
                    groups.size() == 1 ? " group.\n" : " groups.\n");
  }
  return text;
}

}  // namespace unlasting::evaluate
