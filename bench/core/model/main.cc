#include <benchmark/benchmark.h>

#include "core/model/torch/threads.h"

int main(int argc, char** argv) {
  // As the programs run: threads take cells, BLAS runs on one.
  unlasting::model::PrepareProcess();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
