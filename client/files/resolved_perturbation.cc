#include "client/files/resolved_perturbation.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace unlasting::client {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// "yes", "no" or "unknown" for all cell types at once, or for each where they differ.
template <typename Known, typename Seen>
std::string ByContext(const v1::ResolvedPerturbation& perturbation, Known known, Seen seen) {
  std::vector<std::string> words, all;
  for (const v1::TrainingContext& context : perturbation.contexts()) {
    words.push_back(!known(context) ? "unknown" : seen(context) ? "yes" : "no");
    all.push_back(absl::StrCat(context.cell_type(), ": ", words.back()));
  }
  if (words.empty()) return "unknown";
  const bool same =
      std::count(words.begin(), words.end(), words[0]) == static_cast<int64_t>(words.size());
  return same ? words[0] : absl::StrJoin(all, "; ");
}

}  // namespace

std::string ConditionOf(const v1::ResolvedPerturbation& perturbation) {
  if (!perturbation.condition().empty()) return perturbation.condition();
  // A server from before the field.
  const bool molecule = perturbation.dose_micromolar() > 0;
  const bool one_gene = !molecule && perturbation.label().find('+') == std::string::npos;
  return one_gene ? absl::StrCat(perturbation.label(), "+ctrl") : perturbation.label();
}

double NetworkHops(const v1::ResolvedPerturbation& perturbation) {
  double farthest = perturbation.genes().empty() ? kNone : 0;
  for (const v1::GeneTrainingDistance& gene : perturbation.genes()) {
    const double own = gene.has_hops() ? gene.hops() : std::numeric_limits<double>::infinity();
    farthest = std::max(farthest, own);
  }
  return farthest;
}

double MoleculeSimilarity(const v1::ResolvedPerturbation& perturbation) {
  const v1::MoleculeTrainingDistance& molecule = perturbation.molecule();
  return molecule.has_tanimoto_similarity() ? molecule.tanimoto_similarity()
         : molecule.has_embedding_cosine()  ? molecule.embedding_cosine()
                                            : kNone;
}

std::string ContextSeen(const v1::ResolvedPerturbation& perturbation) {
  return ByContext(
      perturbation, [](const v1::TrainingContext& each) { return each.has_context_seen(); },
      [](const v1::TrainingContext& each) { return each.context_seen(); });
}

std::string SeenTogether(const v1::ResolvedPerturbation& perturbation) {
  return ByContext(
      perturbation, [](const v1::TrainingContext& each) { return each.has_seen_together(); },
      [](const v1::TrainingContext& each) { return each.seen_together(); });
}

const v1::PredictedError* WorstError(const v1::PerturbationSummary& summary) {
  const auto& errors = summary.predicted_errors();
  const auto size = [](const v1::PredictedError& error) {
    return error.has_expected_e_distance() ? error.expected_e_distance()
                                           : std::numeric_limits<double>::infinity();
  };
  const auto worst =
      std::max_element(errors.begin(), errors.end(),
                       [&](const auto& a, const auto& b) { return size(a) < size(b); });
  return worst == errors.end() ? nullptr : &*worst;
}

std::string PredictedErrorText(const v1::PredictedError& error) {
  if (!error.has_expected_e_distance()) return absl::StrCat("not known (", error.kind(), ")");
  const std::string behind = absl::StrCat(error.kind(), "; ", error.left_out(), " left out");
  if (!error.calibrated()) {
    return absl::StrFormat("%.3g (not calibrated; %s)", error.expected_e_distance(), behind);
  }
  return absl::StrFormat("%.3g (%.0f %% interval %.3g to %.3g; %s)", error.expected_e_distance(),
                         100 * error.level(), error.lower(), error.upper(), behind);
}

}  // namespace unlasting::client
