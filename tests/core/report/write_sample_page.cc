// Writes a page with every section to the path given, for the browser test.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <random>

#include "core/report/group_plots.h"
#include "core/report/report.h"

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

int Write(const char* path) {
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
    return 1;
  }
  input.scorecard = *card;
  std::ofstream(path) << RenderHtml(input);
  return 0;
}

}  // namespace
}  // namespace unlasting::report

int main(int argc, char** argv) { return argc == 2 ? unlasting::report::Write(argv[1]) : 2; }
