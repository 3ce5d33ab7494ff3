// Batches, their noise, and what the log says of the loss.
#include <cmath>

#include "tests/trainer/training/training_fixture.h"
#include "trainer/training/batch_maker.h"
#include "trainer/training/loss_by_noise.h"

namespace unlasting::trainer {
namespace {

using BatchesTest = TrainingFixture;

TEST_F(BatchesTest, CellsThatShareAControlAreOfOneConditionAndType) {
  for (const bool balance : {true, false}) {
    TrainingDataOptions options;
    options.balance_conditions = balance;
    const TrainingData data = *TrainingData::Create(prepared_, options);
    for (int64_t step = 0; step < 20; ++step) {
      const Batch batch = data.Draw(1, step, 64, 3);
      ASSERT_EQ(batch.share, 3);
      ASSERT_EQ(batch.partner_cells.size(), 10u);
      ASSERT_EQ(batch.perturbed_cells.size(), 30u);
      ASSERT_EQ(batch.control_cells.size(), 30u);
      for (size_t k = 0; k < 30; ++k) {
        const int64_t cell = batch.perturbed_cells[k], first = batch.perturbed_cells[k - k % 3];
        EXPECT_EQ(prepared_.data.condition[cell], prepared_.data.condition[first]);
        EXPECT_EQ(data.cell_type(cell), data.cell_type(first));
        EXPECT_EQ(data.cell_type(batch.partner_cells[k / 3]), data.cell_type(first));
        EXPECT_EQ(data.cell_type(batch.control_cells[k]),
                  data.cell_type(batch.control_cells[k - k % 3]));
      }
    }
  }
}

TEST_F(BatchesTest, ASmallBatchSharesNoControl) {
  EXPECT_EQ(data_.Draw(1, 0, 8, 16).share, 1);
  EXPECT_EQ(data_.Draw(1, 0, 2, 16).share, 1);
  EXPECT_EQ(data_.Draw(1, 0, 2, 16).perturbed_cells.size(), 1u);
  EXPECT_EQ(data_.Draw(1, 0, 64, 16).share, 4);
  EXPECT_EQ(data_.Draw(1, 0, 256, 16).share, 16);
}

TEST_F(BatchesTest, NoiseIsDrawnAroundTheGenesOwnSpread) {
  config_.set_batch_size(256);
  const BatchMaker around(NetworkKind::kDenoiser, config_, data_, schedule_);
  const auto ratios = [&](const BatchMaker& maker) {
    return maker.log_noise().index_select(0, maker.Make(0).perturbed.t.flatten());
  };
  // Half of the draws lie below e^-0.2 of the spread, where the schedule reaches so low.
  const double below = ratios(around).lt(-0.2).to(torch::kFloat64).mean().item<double>();
  EXPECT_NEAR(below, 0.5, 0.15);
  config_.set_noise_levels("uniform");
  const BatchMaker even(NetworkKind::kDenoiser, config_, data_, schedule_);
  EXPECT_NEAR(even.Make(0).perturbed.t.to(torch::kFloat64).mean().item<double>(), 250, 40);
  // The paper's recipe draws times evenly whatever the setting.
  config_.set_noise_levels("log_normal");
  config_.set_recipe("paper");
  const BatchMaker paper(NetworkKind::kDenoiser, config_, data_, schedule_);
  EXPECT_TRUE(torch::equal(paper.Make(0).perturbed.t, even.Make(0).perturbed.t));
}

TEST_F(BatchesTest, TheShareOfAnonymousRowsIsTheSettings) {
  config_.set_batch_size(512);
  config_.set_share_control(1);
  const auto share = [&] {
    return BatchMaker(NetworkKind::kDenoiser, config_, data_, schedule_)
        .Make(0)
        .perturbed.inputs.anonymous.mean()
        .item<double>();
  };
  config_.set_identity_dropout(0.3);
  EXPECT_NEAR(share(), 0.3, 0.1);
  config_.set_identity_dropout(0);
  EXPECT_EQ(share(), 0.0);
  // Who is told nothing of the perturbation is told no name either.
  config_.set_response_dropout(1);
  EXPECT_EQ(share(), 1.0);
}

TEST_F(BatchesTest, TheLogSaysWhatTheNetworkExplainsBeyondTheSkip) {
  std::vector<nlohmann::json> lines;
  TrainingTask task = Task(NetworkKind::kDenoiser, 150);
  task.log = [&](const nlohmann::json& line) { lines.push_back(line); };
  Network network = NewNetwork(NetworkKind::kDenoiser);
  ASSERT_OK(Train(task, &network));
  ASSERT_GE(lines.size(), 30u);
  // The last layer starts at 0.
  EXPECT_LT(std::abs(lines.front().at("explained").get<double>()), 0.2);
  EXPECT_GT(lines.back().at("explained").get<double>(), 0.0);
  EXPECT_EQ(lines.back().at("explained_by_noise").size(), LossByNoise::kLevels);
  EXPECT_EQ(lines.back().at("loss_by_noise").size(), LossByNoise::kLevels);
}

TEST(LossByNoiseTest, LevelsAreApartAndTheirSumsTogether) {
  LossByNoise first, second;
  first.Add(torch::tensor({{0.5, 1.0}, {2.0, 4.0}}), torch::log(torch::tensor({0.1, 2.0})));
  second.Add(torch::tensor({{1.0, 1.0}}), torch::log(torch::tensor({100.0})));
  first.Add(second);
  EXPECT_NEAR(first.Explained(), 1 - 3.5 / 6, 1e-12);
  const nlohmann::json json = first.ToJson();
  EXPECT_EQ(json.at("loss_by_noise"), nlohmann::json({0.5, nullptr, 2.0, 1.0}));
  EXPECT_EQ(json.at("explained_by_noise"), nlohmann::json({0.5, nullptr, 0.5, 0.0}));
  EXPECT_EQ(LossByNoise().Explained(), 0.0);
}

}  // namespace
}  // namespace unlasting::trainer
