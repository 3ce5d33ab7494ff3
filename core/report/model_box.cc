#include "core/report/model_box.h"

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/report/html.h"
#include "core/report/model_summary.h"
#include "core/report/page.h"

namespace unlasting::report {
namespace {

constexpr size_t kNamesShown = 12;

// What training had of the groups, in the order of Scorecard::TrainedText.
std::string SeenInTraining(const evaluate::Scorecard& card) {
  std::map<std::string, std::vector<std::string>> seen;
  for (const evaluate::GroupScores& group : card.groups) {
    if (!group.trained.empty()) seen[group.trained].push_back(evaluate::GroupName(group.key));
  }
  std::vector<std::string> sentences;
  for (const auto& [what, names] : seen) {
    const bool cut = names.size() > kNamesShown;
    sentences.push_back(absl::StrCat(
        what, ": ", names.size(), " of ", card.groups.size(),
        card.groups.size() == 1 ? " group (" : " groups (",
        absl::StrJoin(names.begin(),
                      names.begin() + static_cast<int64_t>(std::min(names.size(), kNamesShown)),
                      ", "),
        cut ? ", …)" : ")"));
  }
  return absl::StrJoin(sentences, "; ");
}

}  // namespace

std::string ModelBox(const nlohmann::json& manifest, const evaluate::Scorecard& card) {
  Facts facts;
  if (manifest.is_object()) {
    const auto text = [&manifest](const char* key) {
      return manifest.contains(key) ? Describe(manifest.at(key)) : std::string();
    };
    const std::string version = text("version");
    facts = {{"model", absl::StrCat(text("name"), version.empty() ? "" : ", version ", version)},
             {"trained", text("created")},
             {"split", manifest.contains("split") ? SplitText(manifest.at("split")) : ""},
             {"cell types", text("cell_types")},
             {"predicted cells", text("predicted")},
             {"true cells", text("truth")},
             {"training cells", text("training")}};
  }
  facts.emplace_back("seen in training", SeenInTraining(card));
  const std::string html = FactsHtml(facts);
  return html.empty() ? ""
                      : absl::StrCat(
                            "<section><h2>Model, split and training</h2>\n<div "
                            "class=\"box\">",
                            html, "</div></section>\n");
}

}  // namespace unlasting::report
