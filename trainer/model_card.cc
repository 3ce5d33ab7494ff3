#include "trainer/model_card.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace unlasting::trainer {
namespace {

double Mean(const evaluate::Scores& scores, const std::string& name) {
  const auto it = scores.find(name);
  return it == scores.end() ? 0.0 : it->second;
}

std::string Row(const std::string& name, const evaluate::Scores& scores) {
  return absl::StrFormat("| %s | %.4f | %.4f | %.4f |\n", name,
                         Mean(scores, "e_distance.unbiased.all"), Mean(scores, "emd.all"),
                         Mean(scores, "pearson_delta.all"));
}

}  // namespace

std::string RenderCard(const bundle::Manifest& m, const evaluate::Scorecard& scorecard) {
  std::string card = absl::StrCat("# ", m.name, " ", m.version, "\n\n");
  absl::StrAppend(&card, "Predicts log1p expression profiles of single cells under ",
                  absl::StrJoin(m.perturbation_kinds, " and "),
                  " perturbations by dual diffusion implicit bridges.\n\n## Data\n\n");
  absl::StrAppend(&card, "- genes: ", m.genes.size(),
                  "; perturbed genes without expression: ", m.perturbed_only.size(),
                  "\n- cell types: ", absl::StrJoin(m.cell_types, ", "),
                  "\n- training conditions: ", m.conditions.size(), "\n- split: ", m.split.dump(),
                  "\n- normalisation: ",
                  m.normalisation.target_sum > 0
                      ? absl::StrCat("counts to ", m.normalisation.target_sum, ", log1p")
                      : "log1p values as given",
                  "\n- network: ", m.network.dump(), "\n\n## Evaluation\n\n");
  absl::StrAppend(&card, "Held-out groups: ", scorecard.groups.size(),
                  ". Means over groups, all genes; E-distance in its unbiased form.\n\n",
                  "| method | E-distance | EMD | Pearson delta |\n|---|---|---|---|\n");
  absl::StrAppend(&card, Row("this model", scorecard.mean));
  for (const auto& [name, scores] : scorecard.baselines) {
    absl::StrAppend(&card, Row(name, scores));
  }
  const auto shift = scorecard.baselines.find("mean_shift");
  if (shift != scorecard.baselines.end()) {
    const bool closer = Mean(scorecard.mean, "e_distance.unbiased.all") <
                        Mean(shift->second, "e_distance.unbiased.all");
    const bool nearer = Mean(scorecard.mean, "emd.all") < Mean(shift->second, "emd.all");
    absl::StrAppend(&card, "\nThe model ", closer ? "beats" : "does not beat",
                    " mean shift by E-distance and ", nearer ? "beats" : "does not beat",
                    " it by EMD.",
                    closer && nearer ? "" : " Where it does not, it is not ready for use.", "\n");
  }
  absl::StrAppend(
      &card,
      "\n## Limits\n\n- Research use only; not for clinical decisions.\n"
      "- Perturbations, molecules, doses and cell types far from the training data are "
      "extrapolation; responses carry a note that says how far.\n"
      "- Predictions are distributions of cells; a single predicted cell is one draw.\n");
  return card;
}

}  // namespace unlasting::trainer
