#include <atomic>
#include <set>

#include "tests/trainer/training/training_fixture.h"
#include "trainer/training/training.h"
#include "trainer/training/validation.h"

namespace unlasting::trainer {
namespace {

using nlohmann::json;

constexpr char kScore[] = "held_out_e_distance";

class ScoreLinesTest : public TrainingFixture {
 protected:
  // The lines with scores of held-out cells.
  std::vector<json> Scores(int64_t steps, Network* network) {
    std::vector<json> lines;
    TrainingTask task = Task(NetworkKind::kDenoiser, steps);
    task.log = [&](const json& line) {
      if (line.contains(kScore)) lines.push_back(line);
    };
    EXPECT_OK(Train(task, network));
    return lines;
  }

  static std::vector<int64_t> StepsOf(const std::vector<json>& lines) {
    std::vector<int64_t> steps;
    for (const json& line : lines) steps.push_back(line.at("step"));
    return steps;
  }
};

TEST_F(ScoreLinesTest, HeldOutCellsAreScoredFirstEveryFewStepsAndLast) {
  config_.set_score_every(4);
  Network network = NewNetwork(NetworkKind::kDenoiser);
  const std::vector<json> lines = Scores(10, &network);
  EXPECT_EQ(StepsOf(lines), (std::vector<int64_t>{0, 4, 8, 10}));
  for (const json& line : lines) {
    EXPECT_GT(line.at("held_out_emd").get<double>(), 0) << line;
    EXPECT_TRUE(line.at(kScore).is_number()) << line;
  }
  EXPECT_NE(lines[0][kScore], lines[3][kScore]) << "the scores are not of the trained weights";
}

TEST_F(ScoreLinesTest, ScoringChangesNoWeight) {
  Network silent = NewNetwork(NetworkKind::kDenoiser);
  EXPECT_EQ(Scores(9, &silent).size(), 0u);
  config_.set_score_every(2);
  Network scored = NewNetwork(NetworkKind::kDenoiser);
  EXPECT_EQ(Scores(9, &scored).size(), 6u);
  EXPECT_EQ(Difference(silent, scored), 0);
}

TEST_F(ScoreLinesTest, ScoresAreTheSameOnAnyNumberOfThreads) {
  const auto groups = HeldOutGroups(data_);
  ASSERT_GE(groups.size(), 3u);
  const Network network = NewNetwork(NetworkKind::kDenoiser);
  const auto validation = Validation::Create(data_, groups, {}, schedule_, /*seed=*/1);
  ASSERT_OK(validation);
  const json one = validation->Measure(network, 1).ToLine(3, "held_out");
  EXPECT_EQ(one, validation->Measure(network, 3).ToLine(3, "held_out"));
  // Other draws of control cells are other scores.
  const auto other = Validation::Create(data_, groups, {}, schedule_, /*seed=*/2);
  ASSERT_OK(other);
  EXPECT_NE(one, other->Measure(network, 1).ToLine(3, "held_out"));
}

TEST_F(ScoreLinesTest, AResumedRunScoresNoStepTwice) {
  config_.set_score_every(4);
  std::vector<json> lines;
  std::atomic<bool> interrupted{false};
  TrainingTask first = Task(NetworkKind::kDenoiser, 10);
  first.interrupted = &interrupted;
  first.log = [&](const json& line) {
    if (line.contains(kScore)) lines.push_back(line);
    interrupted = line.at("step") == 4;
  };
  Network network = NewNetwork(NetworkKind::kDenoiser);
  ASSERT_EQ(Train(first, &network).code(), absl::StatusCode::kCancelled);
  TrainingTask second = Task(NetworkKind::kDenoiser, 10);
  second.resume = true;
  second.log = [&](const json& line) {
    if (line.contains(kScore)) lines.push_back(line);
  };
  Network resumed = NewNetwork(NetworkKind::kDenoiser);
  ASSERT_OK(Train(second, &resumed));
  EXPECT_EQ(StepsOf(lines), (std::vector<int64_t>{0, 4, 8, 10}));
  Network straight = NewNetwork(NetworkKind::kDenoiser);
  EXPECT_EQ(Scores(10, &straight), lines);
}

TEST_F(ScoreLinesTest, HeldOutGroupsAreTestCellsOfOneConditionAndType) {
  std::set<std::pair<int32_t, int32_t>> seen;
  const auto groups = HeldOutGroups(data_);
  ASSERT_FALSE(groups.empty());
  for (const auto& group : groups) {
    ASSERT_GE(group.size(), 2u);
    const int32_t condition = prepared_.data.condition[group[0]];
    EXPECT_FALSE(prepared_.data.conditions[condition].control);
    EXPECT_TRUE(seen.insert({condition, data_.cell_type(group[0])}).second);
    for (const int64_t cell : group) {
      EXPECT_TRUE(prepared_.split.test[cell]);
      EXPECT_EQ(prepared_.data.condition[cell], condition);
      EXPECT_EQ(data_.cell_type(cell), data_.cell_type(group[0]));
    }
  }
}

TEST_F(ScoreLinesTest, WhereNothingIsHeldOutNothingIsScored) {
  std::fill(prepared_.split.test.begin(), prepared_.split.test.end(), false);
  data_ = *TrainingData::Create(prepared_);
  config_.set_score_every(4);
  Network network = NewNetwork(NetworkKind::kDenoiser);
  EXPECT_EQ(Scores(5, &network).size(), 0u);
}

TEST_F(ScoreLinesTest, CellsOfAGroupMayShareTheControlCellThatTheNetworkIsShown) {
  const auto groups = HeldOutGroups(data_);
  ASSERT_FALSE(groups.empty());
  Validation::Size size;
  size.share_control = 1000;  // more than any group has
  const auto shared = Validation::Create(data_, groups, size, schedule_, /*seed=*/1);
  ASSERT_OK(shared);
  const ValidationScores scores = shared->Measure(NewNetwork(NetworkKind::kDenoiser), 2);
  EXPECT_TRUE(std::isfinite(scores.e_distance));
  EXPECT_GT(scores.emd, 0);
}

TEST_F(ScoreLinesTest, ScoresThatAreNotDefinedAreLeftOutOfTheLine) {
  const json line = ValidationScores{0.5, 0.25, std::nan("")}.ToLine(7, "held_out");
  EXPECT_EQ(line, (json{{"step", 7}, {"held_out_e_distance", 0.5}, {"held_out_emd", 0.25}}));
}

}  // namespace
}  // namespace unlasting::trainer
