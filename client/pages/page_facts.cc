#include <algorithm>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/files/resolved_perturbation.h"
#include "client/pages/prediction_page_writer.h"
#include "core/base/version.h"
#include "core/report/model_summary.h"
#include "proto/codec/enums.h"

namespace unlasting::client {
namespace {

constexpr size_t kNamesShown = 12;

std::string Listed(const std::vector<std::string>& names) {
  const auto shown = static_cast<int64_t>(std::min(names.size(), kNamesShown));
  return absl::StrCat(
      absl::StrJoin(names.begin(), names.begin() + shown, ", "),
      names.size() > kNamesShown ? absl::StrCat(" and ", names.size() - kNamesShown, " more") : "");
}

// The model card has the split as JSON, in a line of its own.
std::string SplitOf(const std::string& card) {
  for (absl::string_view line : absl::StrSplit(card, '\n')) {
    if (!absl::ConsumePrefix(&line, "- split: ")) continue;
    const auto split = nlohmann::json::parse(line, nullptr, false);
    return split.is_object() ? report::SplitText(split) : std::string(line);
  }
  return "";
}

std::string SeenInTraining(const v1::PredictHeader& header) {
  std::map<std::string, std::vector<std::string>> names;
  for (const v1::ResolvedPerturbation& each : header.perturbations()) {
    names[SeenText(each)].push_back(NameOf(each));
  }
  std::vector<std::string> parts;
  for (const char* seen : {"yes", "in other cells", "no"}) {
    const auto found = names.find(seen);
    if (found == names.end()) continue;
    parts.push_back(absl::StrCat(seen, ": ", Listed(found->second)));
  }
  return absl::StrJoin(parts, "; ");
}

std::string CellsText(const v1::PredictHeader& header) {
  const v1::ResolvedControls& controls = header.controls();
  std::vector<int64_t> count(static_cast<size_t>(controls.cell_types_size()), 0);
  for (const int32_t type : controls.cell_type_indices()) ++count[static_cast<size_t>(type)];
  std::vector<std::string> parts;
  for (size_t type = 0; type < count.size(); ++type) {
    parts.push_back(absl::StrCat(count[type], " of ", controls.cell_types(static_cast<int>(type))));
  }
  return Listed(parts);
}

}  // namespace

std::string NameOf(const v1::ResolvedPerturbation& perturbation) {
  std::string name = perturbation.label();
  if (perturbation.dose_micromolar() > 0) {
    absl::StrAppendFormat(&name, ", %g µM", perturbation.dose_micromolar());
  }
  const std::map<std::string, double> covariates(perturbation.covariates().begin(),
                                                 perturbation.covariates().end());
  for (const auto& [covariate, value] : covariates) {
    absl::StrAppendFormat(&name, ", %s %g", covariate, value);
  }
  return name;
}

std::string SeenText(const v1::ResolvedPerturbation& perturbation) {
  if (!perturbation.seen_in_training()) return "no";
  const bool apart = std::any_of(
      perturbation.contexts().begin(), perturbation.contexts().end(),
      [](const auto& each) { return each.has_seen_together() && !each.seen_together(); });
  return apart ? "in other cells" : "yes";
}

report::Facts ModelFacts(const v1::PredictHeader& header, const v1::Model& model) {
  const v1::ModelSummary& summary = model.summary();
  if (!summary.bundle_hash().empty() && summary.bundle_hash() != header.bundle_hash()) {
    // The model was exchanged between the two calls, and nothing is known of this one.
    return {{"model", absl::StrCat(header.model(), ", version ", header.model_version())},
            {"fingerprint", header.bundle_hash()},
            {"seen in training", SeenInTraining(header)}};
  }
  return {{"model", absl::StrCat(header.model(), ", version ", header.model_version())},
          {"fingerprint", header.bundle_hash()},
          {"trained", summary.created()},
          {"genes", model.genes_size() > 0 ? absl::StrCat(model.genes_size()) : ""},
          {"cell types", Listed({summary.cell_types().begin(), summary.cell_types().end()})},
          {"trained on",
           model.conditions_size() > 0
               ? absl::StrCat(model.conditions_size(),
                              model.conditions_size() == 1 ? " condition (" : " conditions (",
                              Listed({model.conditions().begin(), model.conditions().end()}), ")")
               : ""},
          {"split", SplitOf(model.card())},
          {"seen in training", SeenInTraining(header)}};
}

report::Facts AskedFacts(const v1::PredictHeader& header, const PageContext& context) {
  std::vector<std::string> names;
  for (const v1::ResolvedPerturbation& each : header.perturbations()) {
    names.push_back(NameOf(each));
  }
  const bool sums = header.target_sum() > 0;
  return {
      {"perturbations", absl::StrCat(names.size(), ": ", Listed(names))},
      {"control cells", absl::StrCat(CellsText(header), ", ", context.controls_from)},
      {"genes", absl::StrCat(header.genes_size(), " returned")},
      {"values",
       absl::StrCat(codec::ValueKindName(header.value_kind()),
                    sums ? absl::StrFormat(", cells normalised to %g", header.target_sum()) : "",
                    header.count_depth() > 0
                        ? absl::StrFormat(", %g counts a cell", header.count_depth())
                        : "")},
      {"solver",
       absl::StrCat(codec::SolverName(header.solver()), ", ", header.solver_steps(), " steps",
                    header.eta() > 0 ? absl::StrFormat(", eta %g", header.eta()) : "")},
      {"silent genes", codec::MaskModeName(header.mask())},
      {"seed", absl::StrCat(header.seed())},
      {"software", absl::StrCat("unlasting ", kVersion)}};
}

}  // namespace unlasting::client
