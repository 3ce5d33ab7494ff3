#include "trainer/training/training.h"

#include <torch/torch.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/model/torch/threads.h"
#include "trainer/training/adamw.h"
#include "trainer/training/batch_maker.h"
#include "trainer/training/checkpoint.h"
#include "trainer/training/loss_and_gradients.h"
#include "trainer/training/loss_by_noise.h"
#include "trainer/training/next_batches.h"
#include "trainer/training/validation.h"

namespace unlasting::trainer {
namespace {

using model::Network;
using model::NetworkKind;
using torch::Tensor;
using Clock = std::chrono::steady_clock;

// With score_every at its default a measurement costs about 13 of the 500 steps between two.
constexpr Validation::Size kHeldOutSize = {
    /*groups=*/8, /*cells=*/512, /*group_cells=*/128, /*share_control=*/16};

double LearningRate(const TrainConfig& config, int64_t step, int64_t steps) {
  constexpr double kLast = 0.05;
  const double warmup = std::min(1.0, (step + 1.0) / std::max<int64_t>(config.warmup_steps(), 1));
  const double share = static_cast<double>(step) / static_cast<double>(std::max<int64_t>(steps, 1));
  const double cosine = kLast + (1 - kLast) * 0.5 * (1 + std::cos(M_PI * share));
  return config.learning_rate() * warmup * cosine;
}

const char* LossName(NetworkKind kind) {
  return kind == NetworkKind::kDenoiser ? "loss" : "mask_loss";
}

class Loop {
 public:
  Loop(const TrainingTask& task, Network* network)
      : task_(task),
        config_(*task.config),
        network_(*network),
        trained_(network->Multiplying(task.products)),
        batches_(task.kind, *task.config, *task.data, *task.schedule),
        next_batches_(batches_, task.device, task.steps),
        state_(trained_.Parameters()) {
    if (task.record) recorded_.emplace(task.device, task.record);
  }

  absl::Status Run() {
    UNLASTING_RETURN_IF_ERROR(ChooseScoredCells());
    UNLASTING_RETURN_IF_ERROR(Restore());
    if (state_.step == 0) ScoreHeldOut();
    auto last_save = Clock::now();
    // A run that stopped early and was interrupted before its mask model was trained stops again
    // at once.
    bool stop = StopsEarly() && state_.checks_since_best >= config_.patience();
    while (state_.step < task_.steps && !stop) {
      UNLASTING_RETURN_IF_ERROR(Step());
      Report();
      if (StopsEarly() && state_.step % config_.validate_every() == 0) {
        UNLASTING_ASSIGN_OR_RETURN(stop, Validate());
      }
      if (ScoresNow()) ScoreHeldOut();
      if (interrupted_) {
        if (!leads()) return absl::CancelledError("");
        UNLASTING_RETURN_IF_ERROR(Save());
        return absl::CancelledError(absl::StrCat("interrupted at step ", state_.step,
                                                 "; continue from there with --resume"));
      }
      if (leads() && Clock::now() - last_save >
                         std::chrono::duration<double>(60 * config_.checkpoint_minutes())) {
        UNLASTING_RETURN_IF_ERROR(Save());
        last_save = Clock::now();
      }
    }
    if (leads()) UNLASTING_RETURN_IF_ERROR(Save());
    if (stop && task_.stopped) task_.stopped(state_.step, state_.best_distance);
    CopyInto(state_.weights, state_.best.empty() ? state_.average : state_.best);
    return absl::OkStatus();
  }

 private:
  bool leads() const { return task_.ranks == nullptr || task_.ranks->rank() == 0; }
  bool StopsEarly() const {
    return task_.kind == NetworkKind::kDenoiser && config_.validation_fraction() > 0;
  }
  bool ScoresNow() const {
    return config_.score_every() > 0 &&
           (state_.step % config_.score_every() == 0 || state_.step == task_.steps);
  }

  absl::Status ChooseScoredCells() {
    if (!leads()) return absl::OkStatus();
    if (StopsEarly()) {
      UNLASTING_ASSIGN_OR_RETURN(
          validation_, Validation::Create(*task_.data, task_.data->validation_groups(), {},
                                          *task_.schedule, config_.seed() + 2));
    }
    if (task_.kind != NetworkKind::kDenoiser || config_.score_every() == 0 || !task_.log) {
      return absl::OkStatus();
    }
    const auto held_out = HeldOutGroups(*task_.data);
    if (held_out.empty()) return absl::OkStatus();
    UNLASTING_ASSIGN_OR_RETURN(held_out_, Validation::Create(*task_.data, held_out, kHeldOutSize,
                                                             *task_.schedule, config_.seed() + 3));
    return absl::OkStatus();
  }

  absl::Status Save() const { return WriteCheckpoint(task_.checkpoint_path, state_); }

  // All ranks start from rank 0's state, and so from its checkpoint alone.
  absl::Status Restore() {
    if (leads() && task_.resume) {
      if (std::filesystem::exists(task_.checkpoint_path)) {
        UNLASTING_RETURN_IF_ERROR(ReadCheckpoint(task_.checkpoint_path, &state_));
      }
      if (task_.resumed) task_.resumed(state_.step);
    }
    if (task_.ranks == nullptr) return absl::OkStatus();
    std::string bytes;
    if (leads()) {
      UNLASTING_ASSIGN_OR_RETURN(bytes, EncodeState(state_));
    }
    UNLASTING_RETURN_IF_ERROR(task_.ranks->Broadcast(&bytes));
    return leads() ? absl::OkStatus() : DecodeState(bytes, &state_);
  }

  absl::Status Step() {
    LossByNoise by_noise;
    double loss =
        LossAndGradients(task_, trained_, next_batches_.Take(state_.step), state_.weights,
                         batches_.log_noise(), recorded_ ? &*recorded_ : nullptr, &by_noise);
    if (task_.ranks != nullptr) UNLASTING_RETURN_IF_ERROR(SumOverRanks(&loss, &by_noise));
    if (!std::isfinite(loss)) {
      // Every rank has the same sum, and one of them reports it.
      if (!leads()) return absl::CancelledError("");
      return absl::InternalError(
          absl::StrCat("training: the loss of step ", state_.step,
                       " is not finite, expected a number; try a lower learning_rate"));
    }
    ClipGradients(state_.weights, config_.clip());
    const double learning_rate = LearningRate(config_, state_.step, task_.steps);
    const double decay = std::min(config_.ema(), (1.0 + state_.step) / (10.0 + state_.step));
    ++state_.step;
    StepAdamW(state_.weights, learning_rate, config_.weight_decay(), state_.step, &state_.moments);
    UpdateAverage(decay, state_.weights, &state_.average);
    loss_sum_ += loss;
    by_noise_.Add(by_noise);
    ++loss_count_;
    return absl::OkStatus();
  }

  // Sums the loss, whether any rank was interrupted, so that all ranks stop at the same step, and
  // the gradients. The numbers come first: a rank that was lost is noticed by them.
  absl::Status SumOverRanks(double* loss, LossByNoise* by_noise) {
    std::vector<float> numbers = {static_cast<float>(*loss), InterruptRequested() ? 1.0f : 0.0f};
    for (const double part : by_noise->sums()) numbers.push_back(static_cast<float>(part));
    UNLASTING_RETURN_IF_ERROR(Sum(absl::MakeSpan(numbers)));
    *loss = numbers[0];
    interrupted_ = numbers[1] > 0;
    auto number = numbers.begin() + 2;
    for (double& part : by_noise->sums()) part = *number++;
    return SumGradients();
  }

  absl::Status SumGradients() {
    torch::NoGradGuard no_grad;
    std::vector<Tensor> parts;
    for (const Tensor& weight : state_.weights) parts.push_back(weight.grad().flatten());
    Tensor sum = torch::cat(parts);
    const bool there = task_.ranks->sums_on_devices();
    if (!there) sum = sum.to(torch::kCPU);
    const auto values = absl::MakeSpan(sum.data_ptr<float>(), sum.numel());
    UNLASTING_RETURN_IF_ERROR(
        SaveIfLost(there ? task_.ranks->SumOnDevices(values) : task_.ranks->Sum(values)));
    int64_t at = 0;
    for (const Tensor& weight : state_.weights) {
      weight.grad().copy_(sum.narrow(0, at, weight.numel()).view_as(weight));
      at += weight.numel();
    }
    return absl::OkStatus();
  }

  absl::Status Sum(absl::Span<float> values) const { return SaveIfLost(task_.ranks->Sum(values)); }

  // A lost rank ends the run between two steps: rank 0 still holds the state after the last one.
  absl::Status SaveIfLost(const absl::Status& status) const {
    if (status.ok() || !leads()) return status;
    UNLASTING_RETURN_IF_ERROR(Save());
    return absl::UnavailableError(absl::StrCat(status.message(), " at step ", state_.step,
                                               "; continue from there with --resume"));
  }

  bool InterruptRequested() const {
    return task_.interrupted != nullptr && task_.interrupted->load();
  }

  void Report() {
    if (state_.step % config_.log_every() == 0 || state_.step == task_.steps) {
      const double mean = loss_sum_ / static_cast<double>(loss_count_);
      if (leads() && task_.log) {
        nlohmann::json line = {{"step", state_.step}, {LossName(task_.kind), mean}};
        if (task_.kind == NetworkKind::kDenoiser) line.update(by_noise_.ToJson());
        task_.log(line);
      }
      if (leads() && task_.progress) task_.progress(state_.step, task_.steps, mean);
      loss_sum_ = 0;
      loss_count_ = 0;
      by_noise_ = LossByNoise();
    }
    if (task_.ranks == nullptr) interrupted_ = InterruptRequested();
  }

  // True where the validation distance has not improved for `patience` checks.
  absl::StatusOr<bool> Validate() {
    float stop = 0;
    if (leads()) {
      const ValidationScores scores = ScoresOfAverage(validation_);
      const double distance = scores.e_distance;
      if (state_.best.empty() || distance < state_.best_distance) {
        state_.best.clear();
        for (const Tensor& tensor : state_.average) state_.best.push_back(tensor.clone());
        state_.best_distance = distance;
        state_.checks_since_best = 0;
      } else {
        ++state_.checks_since_best;
      }
      stop = state_.checks_since_best >= config_.patience() ? 1 : 0;
      if (task_.log) task_.log(scores.ToLine(state_.step, "validation"));
    }
    if (task_.ranks != nullptr) UNLASTING_RETURN_IF_ERROR(Sum(absl::MakeSpan(&stop, 1)));
    return stop > 0;
  }

  // For the reader of training.jsonl; nothing is chosen by it.
  void ScoreHeldOut() {
    if (!held_out_.has_value()) return;
    task_.log(ScoresOfAverage(*held_out_).ToLine(state_.step, "held_out"));
  }

  // The scores of the moving average, which is what the bundle will hold.
  ValidationScores ScoresOfAverage(const Validation& cells) {
    std::vector<Tensor> current;
    for (const Tensor& weight : state_.weights) current.push_back(weight.detach().clone());
    CopyInto(state_.weights, state_.average);
    const ValidationScores scores = cells.Measure(network_, static_cast<int>(config_.threads()));
    CopyInto(state_.weights, current);
    return scores;
  }

  static void CopyInto(const std::vector<Tensor>& to, const std::vector<Tensor>& from) {
    torch::NoGradGuard no_grad;
    for (size_t k = 0; k < to.size(); ++k) to[k].copy_(from[k]);
  }

  const TrainingTask& task_;
  const TrainConfig& config_;
  const Network& network_;  // what is scored: float32 products of the weights
  const Network trained_;   // the same weights, as a step multiplies them
  BatchMaker batches_;
  NextBatches next_batches_;
  Validation validation_;
  std::optional<Validation> held_out_;  // on rank 0
  TrainingState state_;
  std::optional<RecordedSteps> recorded_;
  bool interrupted_ = false;
  double loss_sum_ = 0;
  int64_t loss_count_ = 0;
  LossByNoise by_noise_;
};

}  // namespace

absl::Status Train(const TrainingTask& task, Network* network) {
  model::PrepareProcess();
  try {
    at::set_num_threads(1);
    network->To(task.device);
    const absl::Status status = Loop(task, network).Run();
    network->To(torch::kCPU);
    return status;
  } catch (const std::exception& error) {
    const std::string what = error.what();
    return absl::InternalError(absl::StrCat("training: ", what.substr(0, what.find('\n'))));
  }
}

}  // namespace unlasting::trainer
