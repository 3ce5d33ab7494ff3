#include "trainer/training.h"

#include <torch/torch.h>

#include <atomic>
#include <fstream>
#include <set>

#include "tests/cells/toy_data.h"
#include "tests/support/files.h"
#include "trainer/checkpoint.h"
#include "trainer/settings.h"

namespace unlasting::trainer {
namespace {

using model::Network;
using model::NetworkKind;

// BLAS calls from two threads round their last bit as they like; a lost moment of AdamW or another
// batch moves weights by the learning rate, a thousand times more.
constexpr double kRounding = 3e-6;

class TrainingTest : public ::testing::Test {
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
    graph_ = *TrainingGraph(data_, 0.3, 5, "");
  }

  Network NewNetwork(NetworkKind kind) {
    model::ModelConfig m;
    m.genes = data_.genes();
    m.nodes = data_.nodes();
    m.cell_types = 2;
    m.molecule_features = data_.molecule_features();
    m.dim = 8;
    m.hidden = 16;
    return *Network::Create(kind, m, schedule_, StatisticsOf(data_, graph_, config_), 1,
                            model::Attention::kFused);
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
  network::Graph graph_;
  diffusion::Schedule schedule_;
};

TEST_F(TrainingTest, BatchesAreHalfControlAndReachEveryPerturbation) {
  std::set<int32_t> conditions;
  for (int64_t step = 0; step < 50; ++step) {
    const Batch batch = data_.Draw(1, step, 8);
    EXPECT_EQ(batch.control_cells.size(), 4u);
    for (const int64_t cell : batch.control_cells) {
      EXPECT_FALSE(prepared_.split.test[cell]);
      EXPECT_TRUE(prepared_.data.conditions[prepared_.data.condition[cell]].control);
    }
    for (size_t k = 0; k < batch.perturbed_cells.size(); ++k) {
      const int64_t cell = batch.perturbed_cells[k];
      EXPECT_FALSE(prepared_.split.test[cell]);
      conditions.insert(prepared_.data.condition[cell]);
      EXPECT_EQ(data_.cell_type(batch.partner_cells[k]), data_.cell_type(cell));
    }
  }
  // Two gene conditions and three doses of the drug.
  EXPECT_EQ(conditions.size(), 5u);
}

TEST_F(TrainingTest, TheSameSeedTrainsTheSameWeights) {
  Network a = NewNetwork(NetworkKind::kDenoiser), b = NewNetwork(NetworkKind::kDenoiser);
  ASSERT_OK(Train(Task(NetworkKind::kDenoiser, 6), &a));
  ASSERT_OK(Train(Task(NetworkKind::kDenoiser, 6), &b));
  EXPECT_LT(Difference(a, b), kRounding);
}

TEST_F(TrainingTest, AResumedRunEndsWithTheWeightsOfAnUninterruptedOne) {
  for (const NetworkKind kind : {NetworkKind::kDenoiser, NetworkKind::kMask}) {
    Network straight = NewNetwork(kind);
    ASSERT_OK(Train(Task(kind, 10), &straight));

    // Interrupted after the fourth step's log line.
    std::atomic<bool> interrupted{false};
    TrainingTask first = Task(kind, 10);
    first.interrupted = &interrupted;
    first.log = [&](const nlohmann::json&) { interrupted = true; };
    Network broken_off = NewNetwork(kind);
    EXPECT_EQ(Train(first, &broken_off).code(), absl::StatusCode::kCancelled);

    TrainingTask second = Task(kind, 10);
    second.resume = true;
    Network resumed = NewNetwork(kind);
    ASSERT_OK(Train(second, &resumed));
    EXPECT_LT(Difference(straight, resumed), kRounding);
  }
}

TEST_F(TrainingTest, LossFallsOnBothNetworks) {
  config_.set_steps(150);
  for (const NetworkKind kind : {NetworkKind::kDenoiser, NetworkKind::kMask}) {
    std::vector<double> losses;
    TrainingTask task = Task(kind, 150);
    const char* name = kind == NetworkKind::kDenoiser ? "loss" : "mask_loss";
    task.log = [&](const nlohmann::json& line) { losses.push_back(line.at(name)); };
    Network network = NewNetwork(kind);
    ASSERT_OK(Train(task, &network));
    const auto mean = [&](size_t from) {
      double sum = 0;
      for (size_t k = 0; k < 8; ++k) sum += losses[from + k];
      return sum / 8;
    };
    EXPECT_LT(mean(losses.size() - 8), mean(0));
  }
}

TEST_F(TrainingTest, DamagedOrForeignCheckpointsAreRefused) {
  std::ofstream(folder_.At("checkpoint")) << "noise";
  TrainingTask task = Task(NetworkKind::kDenoiser, 4);
  task.resume = true;
  Network network = NewNetwork(NetworkKind::kDenoiser);
  EXPECT_EQ(Train(task, &network).code(), absl::StatusCode::kDataLoss);
  // A mask model's checkpoint is no denoiser's.
  Network mask = NewNetwork(NetworkKind::kMask);
  TrainingTask mask_task = Task(NetworkKind::kMask, 2);
  ASSERT_OK(Train(mask_task, &mask));
  EXPECT_EQ(Train(task, &network).code(), absl::StatusCode::kDataLoss);
}

TEST_F(TrainingTest, LatentsOfAnUntrainedPreconditionedModelAreNearStandardNormal) {
  const auto latents =
      MeasureLatents(Task(NetworkKind::kDenoiser, 1), NewNetwork(NetworkKind::kDenoiser), 64);
  ASSERT_OK(latents);
  EXPECT_NEAR(latents->mean, 0.0, 0.15);
  EXPECT_NEAR(latents->deviation, 1.0, 0.2);
}

}  // namespace
}  // namespace unlasting::trainer
