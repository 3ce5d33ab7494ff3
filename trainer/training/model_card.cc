#include "trainer/training/model_card.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/evaluate/risk_coverage.h"
#include "core/evaluate/verdict.h"

namespace unlasting::trainer {
namespace {

// "-" for a score that the cells leave undefined.
std::string Mean(const evaluate::Scores& scores, const std::string& name) {
  const auto it = scores.find(name);
  if (it == scores.end() || std::isnan(it->second)) return "-";
  return absl::StrFormat("%.4f", it->second);
}

struct ColumnOfCard {
  const char* header;
  const char* score;
};
constexpr ColumnOfCard kColumns[] = {
    {"E-distance", "e_distance.unbiased.all"},
    {"EMD", "emd.all"},
    {"Pearson delta", "pearson_delta.all"},
    {"AUC kNN", "auc_knn.all"},
    {"AUC logistic", "auc_logistic.all"},
    {"correlation error", "correlation_error.top50"},
    {"co-silence error", "co_silence_error.top50"},
    {"spread of active genes", "active_genes_spread.all"},
};

std::string Header() {
  std::string names = "| method |", rule = "|---|";
  for (const auto& [header, unused] : kColumns) {
    absl::StrAppend(&names, " ", header, " |");
    absl::StrAppend(&rule, "---|");
  }
  return absl::StrCat(names, "\n", rule, "\n");
}

std::string Row(const std::string& name, const evaluate::Scores& scores) {
  std::string row = absl::StrCat("| ", name, " |");
  for (const auto& [unused, score] : kColumns)
    absl::StrAppend(&row, " ", Mean(scores, score), " |");
  return absl::StrCat(row, "\n");
}

// How sure the model is of what, and whether the held-out groups agree.
void AppendErrors(const bundle::ErrorModel& errors, const evaluate::Scorecard& scorecard,
                  std::string* card) {
  absl::StrAppend(card,
                  "\n## Predicted error\n\nEvery answer carries an E-distance that it is expected "
                  "to be off by, from errors that training made where it left cells, conditions "
                  "and contexts out.\n\n| kind of query | left out | typical E-distance | ",
                  absl::StrFormat("%.0f", 100 * errors.level),
                  " % interval |\n|---|---|---|---|\n");
  for (const auto& [name, kind] : errors.kinds) {
    const auto at = [&kind = kind](double apart) {
      return absl::StrFormat("%.3g", kind.scale * std::sinh(kind.intercept + apart));
    };
    absl::StrAppend(card, "| ", name, " | ", kind.left_out, " | ", at(0), " | ",
                    kind.calibrated()
                        ? absl::StrCat(at(-kind.half_width), " to ", at(kind.half_width))
                        : "not calibrated",
                    " |\n");
  }
  const std::string risk = evaluate::RiskCoverageText(evaluate::RiskCoverageOf(scorecard));
  if (!risk.empty()) absl::StrAppend(card, "\n", risk, "\n");
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
                  "\n- gene network: ", m.grn.dump());
  if (m.response.is_object()) {
    absl::StrAppend(&card, "\n- expected responses, chosen by leaving out ",
                    m.response.value("left_out", ""), ": ", m.response.dump());
  }
  // What simpler methods do better comes before any number.
  absl::StrAppend(&card, "\n\n## Evaluation\n\n", scorecard.Verdict(), "\n\n");
  absl::StrAppend(
      &card, "Held-out groups: ", scorecard.groups.size(),
      ". Means over groups, all genes; E-distance in its unbiased form. AUC: of telling "
      "predicted from true cells, 0.5 is best; errors of gene pairs: lower is better; "
      "spread: predicted over true, 1 is best.\n\n",
      Header());
  absl::StrAppend(&card, Row("this model", scorecard.mean));
  for (const std::string& name : evaluate::MethodsInOrder(scorecard.baselines)) {
    absl::StrAppend(&card, Row(evaluate::ReadableName(name), scorecard.baselines.at(name)));
  }
  const std::string trained = scorecard.TrainedText();
  if (!trained.empty()) absl::StrAppend(&card, "\n", trained);
  if (m.prediction_error.has_value()) AppendErrors(*m.prediction_error, scorecard, &card);
  absl::StrAppend(
      &card,
      "\n## Limits\n\n- Research use only; not for clinical decisions.\n"
      "- Perturbations, molecules, doses and cell types far from the training data are "
      "extrapolation; responses carry a note that says how far.\n"
      "- Predictions are distributions of cells; a single predicted cell is one draw.\n");
  return card;
}

}  // namespace unlasting::trainer
