// Writes a page of the kind given (evaluation, rules, prediction or screen), with every section, to
// the path given, for the browser test.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <random>

#include "absl/strings/str_cat.h"
#include "core/evaluate/column_statistics.h"
#include "core/evaluate/differential_expression.h"
#include "core/report/group_plots.h"
#include "core/report/prediction_page.h"
#include "core/report/report.h"
#include "core/report/rule_page.h"
#include "core/report/screen_page.h"

namespace unlasting::report {
namespace {

constexpr int64_t kGenes = 60;

// Silent cells and active ones: two modes. The first genes answer to `effect`.
DenseMatrix SampleCells(int64_t rows, uint32_t seed, float effect) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(1.5f, 0.4f);
  std::uniform_real_distribution<float> uniform;
  DenseMatrix cells(rows, kGenes);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t g = 0; g < kGenes; ++g) {
      const float active = 0.5f + (g < 10 ? 0.3f * effect : 0.0f);
      if (uniform(random) < active) cells.At(r, g) = std::max(0.0f, normal(random));
    }
  }
  return cells;
}

evaluate::Group SampleGroup(const std::string& condition, float effect, uint32_t seed) {
  evaluate::Group group;
  group.key = {{"condition", condition}, {"cell_type", "a cell type with quite a long name"}};
  group.control = SampleCells(80, seed, 0);
  group.truth = SampleCells(70, seed + 1, effect);
  group.predicted = SampleCells(60, seed + 2, 0.8f * effect);
  group.mean_shift = std::vector<float>(kGenes, 0.1f);
  for (const char* baseline : {"additive", "linear", "mean_shift_rank"}) {
    group.further_baselines[baseline] = SampleCells(60, seed + 3, 0.4f * effect);
  }
  return group;
}

std::string SampleEvaluation() {
  std::vector<evaluate::Group> groups = {SampleGroup("STAT1+ctrl", 1, 10),
                                         SampleGroup("STAT1+JAK2", 1.5f, 20)};
  for (const double dose : {0.1, 1.0, 10.0}) {
    groups.push_back(
        SampleGroup("Dasatinib@" + std::to_string(dose) + "uM", dose > 0.5 ? 0.8f : 0.5f, 30));
    groups.back().drug = "Dasatinib";
    groups.back().dose_um = dose;
  }
  ReportInput input;
  input.title = "sample <model> & page";
  input.manifest = {{"name", "sample"}, {"split", {{"kind", "conditions"}, {"seed", 1}}}};
  for (int step = 0; step <= 400; step += 10) {
    input.training.push_back({{"step", step},
                              {"loss", 1 / (1 + 0.01 * step)},
                              {"latent_mean", 0.01},
                              {"latent_std", 1.02}});
  }
  for (int step = 0; step <= 400; step += 100) {
    input.training.push_back({{"step", step},
                              {"held_out_e_distance", 0.02 + 0.3 / (1 + 0.02 * step)},
                              {"held_out_emd", 0.06 + 0.02 / (1 + 0.02 * step)},
                              {"held_out_correlation_agreement", 0.5 - 0.2 / (1 + 0.02 * step)}});
  }
  DenseMatrix edges(kGenes, kGenes);
  for (int64_t g = 0; g < kGenes; ++g) {
    input.genes.push_back("GENE" + std::to_string(g));
    edges.At(g, g) = edges.At(g, g % 7) = edges.At((g * 5 + 3) % kGenes, g) = 1;
  }
  const CsrMatrix network = ToCsr(edges);
  input.network = &network;
  input.network_nodes = input.genes;
  GroupPlots plots(input.genes);
  for (const auto& group : groups) plots.Add(group);
  input.plots = &plots;
  const auto card = evaluate::Score(groups, {});
  if (!card.ok()) {
    std::fprintf(stderr, "%s\n", std::string(card.status().message()).c_str());
    return "";
  }
  input.scorecard = *card;
  return RenderHtml(input);
}

std::string SampleRules() {
  evaluate::rules::RuleScores scores;
  scores.rule = "vcc2026";
  scores.version = 3;
  // As many members and as long names as the rule has; the last has no place on the scale.
  const std::vector<std::string> members = {"de_wilcoxon_direction_fidelity_yield_raw",
                                            "de_wilcoxon_direction_reach_raw",
                                            "de_wilcoxon_lfc_nmae",
                                            "de_wilcoxon_sig_jaccard",
                                            "expr_distance_unbiased",
                                            "expr_mse_unbiased",
                                            "expr_mse_unbiased_capped",
                                            "pds_cosine",
                                            "expr_mse_unbiased_capped_norm"};
  for (size_t m = 0; m < members.size(); ++m) {
    const std::string& member = members[m];
    scores.aggregate[member] = 0.75;
    for (int p = 0; p < 12; ++p) scores.perturbations[absl::StrCat("GENE", p)][member] = 0.1 * p;
    if (m + 1 == members.size()) continue;
    scores.baseline[member] = 0.5;
    scores.replicate[member] = 1;
    scores.scaled[member] = static_cast<double>(m) - 3;
  }
  scores.reasons["scaled.expr_mse_unbiased_capped_norm"] = "r is below b";
  scores.has_scale = true;
  scores.average = 0.5;
  return RenderRuleHtml("sample <rules> & page", {{"B cell", scores}, {"T cell", scores}});
}

std::vector<GeneChange> SampleChanges(const DenseMatrix& predicted, const DenseMatrix& control) {
  const auto de = evaluate::RankGenes(predicted, control);
  const auto a = evaluate::StatisticsOf(predicted), b = evaluate::StatisticsOf(control);
  std::vector<GeneChange> genes;
  for (size_t g = 0; g < de.score.size(); ++g) {
    GeneChange gene;
    gene.gene = absl::StrCat("ENSG0000010", g);
    gene.symbol = g == 3 ? "=a <gene> with, quite a \"long\" name" : absl::StrCat("GENE", g);
    gene.control_mean = b.mean[g];
    gene.mean = a.mean[g];
    gene.control_share = 1 - b.silent_share[g];
    gene.share = 1 - a.silent_share[g];
    gene.log2_fold_change = de.log2_fold_change[g];
    gene.score = de.score[g];
    gene.p_adjusted = de.p_adjusted[g];
    genes.push_back(gene);
  }
  return genes;
}

PredictionFrame SampleFrame() {
  PredictionFrame frame;
  frame.title = "sample <prediction> & page";
  frame.subtitle = "180 cells predicted from 60 control cells";
  frame.asked = {{"perturbations", "STAT1, JAK2"}, {"seed", "0"}};
  frame.model = {{"model", "sample, version 1"},
                 {"fingerprint", std::string(64, 'f')},
                 {"split", "by cells; 30 % held out"}};
  frame.remarks = {{Light::kCare, "Genes filled in", "The control cells lack two genes."}};
  frame.adjusted = {"3 genes of the control cells, which the model does not know, were left out."};
  return frame;
}

PerturbationResult SampleResult(int number, Light light) {
  PerturbationResult result;
  result.name = number == 0 ? "STAT1" : absl::StrCat("a perturbation with a long name ", number);
  result.facts = {{"condition", result.name}};
  result.remarks = {{light, "Near the training data or not", "So the model says."}};
  result.notes = {"A note."};
  result.seen = number == 0 ? "yes" : "no";
  result.expected_error = 0.1 + 0.01 * number;
  result.expected_error_range = "−0.01 to 0.73";
  result.control = SampleCells(60, 1, 0);
  result.predicted = SampleCells(60, 2 + static_cast<uint32_t>(number), 2);
  result.genes = SampleChanges(result.predicted, result.control);
  result.cells = 60;
  return result;
}

std::string SamplePrediction() {
  PredictionPage page;
  for (const Light light : {Light::kGood, Light::kCare, Light::kBad}) {
    page.Add(SampleResult(static_cast<int>(light), light));
  }
  return page.Html(SampleFrame());
}

std::string SampleScreen() {
  ScreenPage page;
  for (int p = 0; p < 150; ++p) {
    const PerturbationResult result = SampleResult(p, static_cast<Light>(p % 3));
    page.Add({p, result.name, p % 2 == 0 ? absl::StrCat("mine ", p) : "", result.remarks,
              result.seen, result.expected_error, result.expected_error_range, result.genes});
  }
  return page.Html(SampleFrame(), {{7, "mine", "UNKNOWN_GENE", "found 'X', expected a gene"}},
                   "screen.ranking.tsv", "screen.errors.tsv");
}

int Write(const std::string& kind, const char* path) {
  const std::string html = kind == "evaluation"   ? SampleEvaluation()
                           : kind == "rules"      ? SampleRules()
                           : kind == "prediction" ? SamplePrediction()
                           : kind == "screen"     ? SampleScreen()
                                                  : "";
  std::ofstream(path) << html;
  return html.empty() ? 1 : 0;
}

}  // namespace
}  // namespace unlasting::report

int main(int argc, char** argv) {
  return argc == 3 ? unlasting::report::Write(argv[1], argv[2]) : 2;
}
