// Steps that are recorded once and done again, with a recorder that does them on this processor.
#include "trainer/training/recorded_steps.h"

#include "tests/trainer/training/training_fixture.h"

namespace unlasting::trainer {
namespace {

using torch::Tensor;

// As a device: recording computes nothing, and doing it again reads the memory that was there then.
class HostRecording : public model::Recording {
 public:
  HostRecording(std::function<void()> work, int* replays)
      : work_(std::move(work)), replays_(*replays) {}
  void Replay() override {
    ++replays_;
    work_();
  }

 private:
  std::function<void()> work_;
  int& replays_;
};

class RecordedStepsTest : public TrainingFixture {
 protected:
  model::Recorder Recorder() {
    return [this](const std::function<void()>& work) {
      ++recordings_;
      return std::make_unique<HostRecording>(work, &replays_);
    };
  }

  static BatchRows Rows(int64_t count, float value) {
    BatchRows rows;
    rows.x_0 = torch::full({count, 1, 3}, value);
    rows.inputs.cell_type = torch::zeros({count}, torch::kInt64);
    return rows;
  }
  static StepResult Mean(const std::vector<BatchRows>& rows, int64_t total) {
    StepResult result;
    Tensor sum = torch::zeros({});
    for (const BatchRows& each : rows) sum = sum + each.x_0.sum();
    result.loss = sum / static_cast<double>(3 * total);
    return result;
  }

  int recordings_ = 0, replays_ = 0;
};

TEST_F(RecordedStepsTest, ARunOfRecordedStepsTrainsTheSameWeights) {
  config_.set_threads(1);
  for (const NetworkKind kind : {NetworkKind::kDenoiser, NetworkKind::kMask}) {
    recordings_ = replays_ = 0;
    Network expected = NewNetwork(kind), found = NewNetwork(kind);
    ASSERT_OK(Train(Task(kind, 9), &expected));
    TrainingTask task = Task(kind, 9);
    task.record = Recorder();
    ASSERT_OK(Train(task, &found));
    EXPECT_EQ(Difference(expected, found), 0);
    EXPECT_EQ(replays_, 9);
    EXPECT_EQ(recordings_, 1) << "all batches have one form";
  }
}

TEST_F(RecordedStepsTest, ARecordingReadsTheRowsOfItsCall) {
  RecordedSteps steps(torch::kCPU, Recorder());
  for (const float value : {1.0f, 2.0f, 5.0f}) {
    BatchRows rows = Rows(4, value);
    EXPECT_FLOAT_EQ(steps.Run({rows}, 4, Mean).loss.item<float>(), value);
    rows.x_0.fill_(100);  // the caller's memory is its own again
  }
  EXPECT_EQ(recordings_, 1);
  EXPECT_EQ(replays_, 3);
}

TEST_F(RecordedStepsTest, EveryFormHasARecordingOfItsOwn) {
  RecordedSteps steps(torch::kCPU, Recorder());
  BatchRows with_control = Rows(4, 3);
  with_control.inputs.control = torch::zeros({4, 3});
  for (int round = 0; round < 2; ++round) {
    EXPECT_FLOAT_EQ(steps.Run({Rows(4, 3)}, 4, Mean).loss.item<float>(), 3);
    EXPECT_FLOAT_EQ(steps.Run({Rows(4, 3)}, 8, Mean).loss.item<float>(), 1.5) << "of more rows";
    EXPECT_FLOAT_EQ(steps.Run({Rows(2, 3), Rows(2, 7)}, 4, Mean).loss.item<float>(), 5);
    EXPECT_FLOAT_EQ(steps.Run({with_control}, 4, Mean).loss.item<float>(), 3);
  }
  EXPECT_EQ(recordings_, 4);
  EXPECT_EQ(replays_, 8);
}

TEST_F(RecordedStepsTest, FormsBeyondTheFirstFewAreComputedAsTheyCome) {
  RecordedSteps steps(torch::kCPU, Recorder());
  for (int64_t count = 1; count <= 9; ++count) {
    EXPECT_FLOAT_EQ(steps.Run({Rows(count, 6)}, count, Mean).loss.item<float>(), 6);
  }
  EXPECT_EQ(steps.recordings(), 4u);
  EXPECT_EQ(replays_, 4);
}

TEST_F(RecordedStepsTest, AStepThatCannotBeRecordedEndsTheRunWithWhatItSays) {
  Network network = NewNetwork(NetworkKind::kDenoiser);
  TrainingTask task = Task(NetworkKind::kDenoiser, 3);
  task.record = [](const std::function<void()>&) -> std::unique_ptr<model::Recording> {
    throw std::runtime_error("operation not permitted when stream is capturing\nat line 7");
  };
  const absl::Status status = Train(task, &network);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(status.message(), "training: operation not permitted when stream is capturing");
}

}  // namespace
}  // namespace unlasting::trainer
