#include "bench/core/model/synthetic.h"

#include <torch/torch.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

namespace unlasting::bench {

using model::ModelConfig;
using model::Network;

ModelConfig PaperConfig(int64_t genes, const char* grn_inputs) {
  ModelConfig config;
  config.genes = config.nodes = genes;
  config.grn_inputs = grn_inputs;
  return config;
}

model::NetworkStatistics RandomStatistics(int64_t genes, int64_t degree) {
  model::NetworkStatistics statistics;
  torch::manual_seed(1);
  statistics.prior_mean = torch::rand({1, genes}) * 0.1;
  statistics.prior_deviation = torch::rand({1, genes}) * 0.1 + 0.02;
  statistics.active_share = torch::rand({1, genes}) * 0.8 + 0.1;
  std::mt19937_64 random(2);
  statistics.edge_indptr = {0};
  for (int64_t i = 0; i < genes; ++i) {
    statistics.edge_source.push_back(i);
    for (int64_t k = 0; k < degree; ++k) {
      statistics.edge_source.push_back(static_cast<int64_t>(random() % genes));
    }
    statistics.edge_indptr.push_back(static_cast<int64_t>(statistics.edge_source.size()));
  }
  return statistics;
}

Network RandomNetwork(model::NetworkKind kind, const ModelConfig& config, int64_t degree,
                      model::Attention attention) {
  auto network = Network::Create(kind, config, diffusion::Schedule(),
                                 RandomStatistics(config.genes, degree), 3, attention);
  if (!network.ok()) {
    std::cerr << network.status() << "\n";
    std::exit(1);
  }
  // Weights that start at zero would let the dense part off lightly where it skips them.
  torch::NoGradGuard no_grad;
  for (auto parameter : network->Parameters()) {
    parameter.add_(0.01 * torch::randn(parameter.sizes()));
  }
  return *std::move(network);
}

Network::Inputs RandomInputs(const ModelConfig& config, int64_t rows) {
  Network::Inputs inputs;
  inputs.cell_type = torch::zeros({rows}, torch::kInt64);
  inputs.control = torch::rand({rows, config.genes}) * 0.2;
  inputs.knockout = torch::zeros({rows, config.nodes});
  inputs.knockout.select(1, config.nodes / 2).fill_(1.0);
  return inputs;
}

int Threads() {
  const char* threads = std::getenv("UNLASTING_BENCH_THREADS");
  if (threads != nullptr) return std::max(1, std::atoi(threads));
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace unlasting::bench
