// Networks with random weights over random graphs, at any size.
#pragma once

#include <cstdint>

#include "core/model/torch/network.h"

namespace unlasting::bench {

// D = 64, 2 layers, 2 heads averaged, hidden 512, no molecules: the paper's shape.
model::ModelConfig PaperConfig(int64_t genes, const char* grn_inputs);

// `degree` random sources a node, and itself.
model::NetworkStatistics RandomStatistics(int64_t genes, int64_t degree);

model::Network RandomNetwork(model::NetworkKind kind, const model::ModelConfig& config,
                             int64_t degree, model::Attention attention);

// Target-model inputs of `rows` cells: one cell type, one gene knocked out.
model::Network::Inputs RandomInputs(const model::ModelConfig& config, int64_t rows);

// From UNLASTING_BENCH_THREADS; by default what the machine has.
int Threads();

}  // namespace unlasting::bench
