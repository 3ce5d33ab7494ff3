// Time of the distances between two groups of cells, at the size of docs/benchmarks.md: 2,000 true
// and 2,000 predicted cells over 5,000 genes.
#include <algorithm>
#include <random>

#include "benchmark/benchmark.h"
#include "core/evaluate/distances.h"
#include "core/evaluate/scorer.h"

namespace unlasting::evaluate {
namespace {

constexpr int64_t kCells = 2000;
constexpr int64_t kGenes = 5000;

// log1p values of which about three quarters are silent, as in droplet data.
DenseMatrix RandomCells(int64_t rows, int64_t genes, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(-0.7f, 1.0f);
  DenseMatrix cells(rows, genes);
  for (float& value : cells.values) value = std::max(0.0f, normal(random));
  return cells;
}

// Arguments: cells of each group, genes, threads.
void EDistanceAndEmd(benchmark::State& state) {
  const DenseMatrix x = RandomCells(state.range(0), state.range(1), 1);
  const DenseMatrix y = RandomCells(state.range(0), state.range(1), 2);
  const int threads = static_cast<int>(state.range(2));
  for (auto unused : state) {
    benchmark::DoNotOptimize(EDistance(x, y, threads).paper);
    benchmark::DoNotOptimize(Emd(x, y, threads));
  }
}
BENCHMARK(EDistanceAndEmd)
    ->Args({300, kGenes, 1})
    ->Args({kCells, kGenes, 1})
    ->Args({kCells, kGenes, 2})
    ->Args({kCells, kGenes, 4})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// What `metrics` does for one group: all scores of the model and three baselines. Argument:
// resamples.
void ScoreOneGroup(benchmark::State& state) {
  std::vector<Group> groups(1);
  groups[0].key = {{"condition", "A"}, {"cell_type", "T"}};
  groups[0].truth = RandomCells(1000, 2000, 1);
  groups[0].predicted = RandomCells(1000, 2000, 2);
  groups[0].control = RandomCells(1000, 2000, 3);
  groups[0].mean_shift = std::vector<float>(2000, 0.1f);
  ScoreOptions options;
  options.resamples = static_cast<int>(state.range(0));
  for (auto unused : state) {
    benchmark::DoNotOptimize(Score(groups, options)->mean.size());
  }
}
BENCHMARK(ScoreOneGroup)->Arg(0)->Arg(200)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace unlasting::evaluate

BENCHMARK_MAIN();
