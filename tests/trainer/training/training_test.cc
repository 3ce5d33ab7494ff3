#include "trainer/training/training.h"

#include <atomic>
#include <fstream>
#include <set>

#include "tests/trainer/training/training_fixture.h"
#include "trainer/training/checkpoint.h"
#include "trainer/training/validation.h"

namespace unlasting::trainer {
namespace {

using TrainingTest = TrainingFixture;

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
  EXPECT_EQ(Difference(a, b), 0);
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
    EXPECT_EQ(Difference(straight, resumed), 0);
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
    ASSERT_GE(losses.size(), 16u);
    const auto mean = [&](size_t from) {
      double sum = 0;
      for (size_t k = 0; k < 8; ++k) sum += losses[from + k];
      return sum / 8;
    };
    EXPECT_LT(mean(losses.size() - 8), mean(0));
  }
}

TEST_F(TrainingTest, UnbalancedBatchesDrawEachCellAsOften) {
  TrainingDataOptions options;
  options.balance_conditions = false;
  const TrainingData data = *TrainingData::Create(prepared_, options);
  // A condition's share of the draws is its share of the cells, not one in five.
  std::map<int32_t, double> cells, draws;
  double total = 0;
  for (const int64_t cell : prepared_.split.Cells(false)) {
    const int32_t condition = prepared_.data.condition[cell];
    if (prepared_.data.conditions[condition].control) continue;
    ++cells[condition];
    ++total;
  }
  for (int64_t step = 0; step < 2000; ++step) {
    for (const int64_t cell : data.Draw(1, step, 8).perturbed_cells) {
      draws[prepared_.data.condition[cell]] += 1.0 / 8000;
    }
  }
  ASSERT_EQ(cells.size(), 5u);
  for (const auto& [condition, count] : cells) {
    EXPECT_NEAR(draws[condition], count / total, 0.025);
  }
}

TEST_F(TrainingTest, ValidationCellsAreInNoBatch) {
  for (const bool conditions : {false, true}) {
    TrainingDataOptions options;
    options.validation_fraction = 0.3;
    options.validate_conditions = conditions;
    const TrainingData data = *TrainingData::Create(prepared_, options);
    ASSERT_FALSE(data.validation_groups().empty());
    std::set<int64_t> kept;
    std::set<int32_t> kept_conditions;
    for (const auto& group : data.validation_groups()) {
      EXPECT_GE(group.size(), 2u);
      for (const int64_t cell : group) {
        EXPECT_FALSE(prepared_.split.test[cell]);
        kept.insert(cell);
        kept_conditions.insert(prepared_.data.condition[cell]);
      }
    }
    for (int64_t step = 0; step < 200; ++step) {
      for (const int64_t cell : data.Draw(1, step, 8).perturbed_cells) {
        EXPECT_EQ(kept.count(cell), 0u);
        const bool seen = kept_conditions.count(prepared_.data.condition[cell]) > 0;
        EXPECT_FALSE(conditions && seen);
      }
    }
  }
}

TEST_F(TrainingTest, ValidationThatLeavesNothingToTrainOnIsRefused) {
  TrainingDataOptions options;
  options.validation_fraction = 0.99;
  options.validate_conditions = true;
  EXPECT_EQ(TrainingData::Create(prepared_, options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(TrainingTest, TheDenoiserStopsWhenItsValidationDistanceStopsImproving) {
  config_.set_validation_fraction(0.3);
  config_.set_validate_every(5);
  config_.set_patience(2);
  config_.set_ema(0.0);
  // Too high a rate: distances soon grow.
  config_.set_learning_rate(0.3);
  data_ = *TrainingData::Create(prepared_, TrainingDataOptionsOf(config_));
  std::vector<double> distances;
  int64_t stopped_at = 0;
  double least = 0;
  TrainingTask task = Task(NetworkKind::kDenoiser, 400);
  task.log = [&](const nlohmann::json& line) {
    if (line.contains("validation_e_distance")) distances.push_back(line["validation_e_distance"]);
  };
  task.stopped = [&](int64_t step, double distance) {
    stopped_at = step;
    least = distance;
  };
  Network network = NewNetwork(NetworkKind::kDenoiser);
  ASSERT_OK(Train(task, &network));
  ASSERT_GE(distances.size(), 3u);
  EXPECT_EQ(stopped_at, 5 * static_cast<int64_t>(distances.size()));
  EXPECT_EQ(least, *std::min_element(distances.begin(), distances.end()));
  EXPECT_EQ(least, distances[distances.size() - 3]);

  // Resumed, it is still finished, with the same weights.
  const size_t checks = distances.size();
  task.resume = true;
  Network again = NewNetwork(NetworkKind::kDenoiser);
  ASSERT_OK(Train(task, &again));
  EXPECT_EQ(distances.size(), checks);
  EXPECT_EQ(Difference(network, again), 0.0);
}

TEST_F(TrainingTest, MoleculesComeFromTheTableThatASettingNames) {
  std::ofstream(folder_.At("drugs.tsv")) << "drug\td0\td1\td2\ndrugA\t0.5\t-1\t2\nother\t1\t1\t1\n";
  TrainingDataOptions options;
  options.molecule_embeddings = folder_.At("drugs.tsv");
  const auto data = TrainingData::Create(prepared_, options);
  ASSERT_OK(data);
  EXPECT_EQ(data->stimulus_features(), 3);
  ASSERT_EQ(data->molecule_embeddings().size(), 1u) << "drugs of the data alone";
  EXPECT_EQ(data->molecule_embeddings().at("drugA"), (std::vector<float>{0.5f, -1, 2}));
  for (int64_t cell = 0; cell < prepared_.data.n_cells(); ++cell) {
    const bool drug = prepared_.data.conditions[prepared_.data.condition[cell]].molecule();
    EXPECT_EQ(data->inputs(cell).molecule.size(), drug ? 3u : 0u);
  }
  const auto refused = [&](const std::string& table, const std::string& words) {
    std::ofstream(folder_.At("drugs.tsv")) << table;
    const auto bad = TrainingData::Create(prepared_, options);
    ASSERT_EQ(bad.status().code(), absl::StatusCode::kInvalidArgument) << table;
    EXPECT_NE(bad.status().message().find("molecule_embeddings"), absl::string_view::npos)
        << bad.status();
    EXPECT_NE(bad.status().message().find(words), absl::string_view::npos) << bad.status();
  };
  refused("other\t1\t2\n", "has no row 'drugA'");
  refused("drugA\t0\t0\n", "holds only zeros");
  refused("drugA\t1\t2\nother\t1\n", "line 2: found 1 values, expected 2");
  refused("drugA\t1\tx\n", "expected a number");
  refused("drugA\t1\tinf\n", "not finite");
}

TEST_F(TrainingTest, DescriptorsAreStandardisedOnTheTrainingDrugsAlone) {
  for (auto& condition : prepared_.data.conditions) {
    if (condition.molecule() && condition.dose_um == 10) condition.smiles = "c1ccccc1CCCCCCN";
  }
  const auto with = TrainingData::Create(prepared_);
  ASSERT_OK(with);
  EXPECT_EQ(with->featurizer().name(), molecule::kDescribedName);
  // The third dose, with its other structure, is held out.
  for (int64_t cell = 0; cell < prepared_.data.n_cells(); ++cell) {
    const auto& condition = prepared_.data.conditions[prepared_.data.condition[cell]];
    if (condition.molecule()) prepared_.split.test[cell] = condition.dose_um == 10;
  }
  const auto without = TrainingData::Create(prepared_);
  ASSERT_OK(without);
  EXPECT_NE(with->featurizer().scaling().mean, without->featurizer().scaling().mean);
  EXPECT_EQ(without->featurizer().scaling().mean,
            molecule::Featurizer::FitTo({"CCO"})->scaling().mean);
  TrainingDataOptions counts;
  counts.molecule_descriptors = false;
  EXPECT_EQ(TrainingData::Create(prepared_, counts)->stimulus_features(), 2048);
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
      MeasureLatents(data_, schedule_, NewNetwork(NetworkKind::kDenoiser), /*seed=*/1, 64);
  ASSERT_OK(latents);
  EXPECT_NEAR(latents->mean, 0.0, 0.15);
  EXPECT_NEAR(latents->deviation, 1.0, 0.2);
}

}  // namespace
}  // namespace unlasting::trainer
