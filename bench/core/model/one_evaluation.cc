// One evaluation of one cell by the fused network, without LibTorch: for instruction counts
// (scripts/count-instructions.sh), which do not depend on how busy a machine is.
//
//   one_evaluation [genes] [in-degree] [paper|static] [evaluations]
#include <cstdio>
#include <cstdlib>
#include <random>

#include "core/model/cpu/cpu_network.h"
#include "core/model/spec/parameters.h"

namespace {

using unlasting::AlignedVector;
using unlasting::model::ModelConfig;
using unlasting::model::NetworkKind;
using unlasting::model::cpu::CpuNetwork;
using unlasting::model::cpu::NetworkRow;

unlasting::model::NetworkWeights<float> RandomWeights(const ModelConfig& config, int64_t degree) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> unit(0, 1);
  unlasting::model::NetworkWeights<float> arrays;
  for (const auto& spec : ParameterSpecs(NetworkKind::kDenoiser, config)) {
    int64_t size = 1;
    for (const int64_t n : spec.shape) size *= n;
    auto& values = arrays.values[spec.name];
    for (int64_t k = 0; k < size; ++k) values.push_back(0.2f * (unit(random) - 0.5f));
  }
  const auto fill = [&](const char* name, int64_t size, float low, float high) {
    auto& values = arrays.values[name];
    for (int64_t k = 0; k < size; ++k) values.push_back(low + (high - low) * unit(random));
  };
  fill("prior_mean", config.genes, 0.0f, 0.1f);
  fill("prior_variance", config.genes, 0.001f, 0.02f);
  fill("frequency", unlasting::model::kFrequencies, 0.0001f, 1.0f);
  for (int64_t t = 0; t < config.times; ++t) {
    arrays.values["alpha_bar"].push_back(1.0f - 0.99f * static_cast<float>(t + 1) /
                                                    static_cast<float>(config.times));
  }
  arrays.edge_indptr = {0};
  for (int64_t i = 0; i < config.nodes; ++i) {
    arrays.edge_source.push_back(static_cast<int32_t>(i));
    for (int64_t k = 0; k < degree; ++k) {
      arrays.edge_source.push_back(static_cast<int32_t>(random() % config.nodes));
    }
    arrays.edge_indptr.push_back(static_cast<int64_t>(arrays.edge_source.size()));
  }
  return arrays;
}

}  // namespace

// Named for callgrind's --toggle-collect; not inlined.
extern "C" __attribute__((noinline)) void EvaluateOnce(CpuNetwork<float>* network,
                                                       const NetworkRow<float>* row) {
  network->Run(absl::MakeConstSpan(row, 1));
}

int main(int argc, char** argv) {
  const auto number = [&](int k, int64_t otherwise) {
    return argc > k ? std::atoll(argv[k]) : otherwise;
  };
  ModelConfig config;
  config.genes = config.nodes = number(1, 1000);
  if (argc > 3) config.grn_inputs = argv[3];
  CpuNetwork<float> network(true, config, RandomWeights(config, number(2, 20)), 1);
  std::vector<float> x_t(config.genes, 0.3f), control(config.genes, 0.1f), out(config.genes);
  AlignedVector<float> gene_readout;
  const int32_t knocked_out = 3;
  NetworkRow<float> row;
  row.x_t = x_t.data();
  row.control = control.data();
  row.knockout = absl::MakeConstSpan(&knocked_out, 1);
  row.gene_readout = &gene_readout;
  row.out = out.data();
  row.time = 250;
  network.Run({row});  // what is kept between evaluations is made here
  for (int64_t k = 0; k < number(4, 1); ++k) EvaluateOnce(&network, &row);
  float sum = 0;
  for (const float value : out) sum += value;
  std::printf("%g\n", sum);
  return 0;
}
