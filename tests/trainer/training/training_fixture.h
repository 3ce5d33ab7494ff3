// A toy data set with an effect to learn, and networks small enough to train in a test.
#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <string>

#include "gmock/gmock.h"
#include "tests/core/cells/toy_data.h"
#include "tests/support/files.h"
#include "trainer/data/data_options.h"
#include "trainer/data/training_grn.h"
#include "trainer/settings/settings.h"
#include "trainer/training/network_statistics.h"
#include "trainer/training/training.h"

namespace unlasting::trainer {

using model::Network;
using model::NetworkKind;

class TrainingFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    config_ = *ResolveConfig("", {"dim=8", "hidden=16", "steps=12", "batch_size=8", "ema=0.9",
                                  "learning_rate=0.003", "warmup_steps=2", "log_every=4"});
    cells::PreprocessOptions options = PreprocessOptionsOf(config_);
    options.split.kind = "cells";
    options.genes = 0;
    cells::Dataset toy = test::ToyDataset({"ctrl", "G3+ctrl", "X1+G2", "drugA"}, {"T", "B"}, 12);
    // An effect to learn: perturbed cells express the first genes far more, the last not at all.
    for (int64_t cell = 0; cell < toy.n_cells(); ++cell) {
      if (toy.conditions[toy.condition[cell]].control) continue;
      const auto genes = toy.values.RowIndices(cell);
      for (size_t k = 0; k < genes.size(); ++k) {
        if (genes[k] < 4) toy.values.RowValues(cell)[k] *= 30;
        if (genes[k] > 7) toy.values.RowValues(cell)[k] = 0;
      }
    }
    prepared_ = *cells::Preprocess(toy, options);
    data_ = *TrainingData::Create(prepared_);
    GrnConfig network;
    network.set_threshold(0.3);
    network.set_max_in_degree(5);
    graph_ = *BuildTrainingGrn(prepared_, network, 1);
  }

  Network NewNetwork(NetworkKind kind, model::Attention attention = model::Attention::kFused) {
    model::ModelConfig m;
    m.genes = data_.genes();
    m.nodes = data_.nodes();
    m.cell_types = 2;
    m.molecule_features = data_.stimulus_features();
    m.dim = 8;
    m.hidden = 16;
    return *Network::Create(kind, m, schedule_,
                            MakeNetworkStatistics(data_, graph_, config_).statistics, 1, attention);
  }

  TrainingTask Task(NetworkKind kind, int64_t steps) {
    TrainingTask task;
    task.kind = kind;
    task.config = &config_;
    task.data = &data_;
    task.schedule = &schedule_;
    task.steps = steps;
    task.checkpoint_path = folder_.At("checkpoint");
    return task;
  }

  static double Difference(const Network& a, const Network& b) {
    double worst = 0;
    const auto x = a.Parameters(), y = b.Parameters();
    for (size_t k = 0; k < x.size(); ++k) {
      worst = std::max(worst, (x[k] - y[k]).abs().max().item<double>());
    }
    return worst;
  }

  test::TempFolder folder_;
  TrainConfig config_;
  cells::Prepared prepared_;
  TrainingData data_;
  grn::Graph graph_;
  diffusion::Schedule schedule_;
};

}  // namespace unlasting::trainer
