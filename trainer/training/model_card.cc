#include "trainer/training/model_card.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/evaluate/verdict.h"

namespace unlasting::trainer {
namespace {

// "-" for a score that the cells leave undefined.
std::string Mean(const evaluate::Scores& scores, const std::string& name) {
  const auto it = scores.find(name);
  if (it == scores.end() || std::isnan(it->second)) return "-";
  return absl::StrFormat("%.4f", it->second);
}

std::string Row(const std::string& name, const evaluate::Scores& scores) {
  return absl::StrFormat("| %s | %s | %s | %s |\n", name, Mean(scores, "e_distance.unbiased.all"),
                         Mean(scores, "emd.all"), Mean(scores, "pearson_delta.all"));
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
                  "\n- gene network: ", m.grn.dump(), "\n\n## Evaluation\n\n");
  absl::StrAppend(&card, "Held-out groups: ", scorecard.groups.size(),
                  ". Means over groups, all genes; E-distance in its unbiased form.\n\n",
                  "| method | E-distance | EMD | Pearson delta |\n|---|---|---|---|\n");
  absl::StrAppend(&card, Row("this model", scorecard.mean));
  for (const std::string& name : evaluate::MethodsInOrder(scorecard.baselines)) {
    absl::StrAppend(&card, Row(evaluate::ReadableName(name), scorecard.baselines.at(name)));
  }
  absl::StrAppend(&card, "\n", scorecard.Verdict(), "\n");
  const std::string trained = scorecard.TrainedText();
  if (!trained.empty()) absl::StrAppend(&card, "\n", trained);
  absl::StrAppend(
      &card,
      "\n## Limits\n\n- Research use only; not for clinical decisions.\n"
      "- Perturbations, molecules, doses and cell types far from the training data are "
      "extrapolation; responses carry a note that says how far.\n"
      "- Predictions are distributions of cells; a single predicted cell is one draw.\n");
  return card;
}

}  // namespace unlasting::trainer
