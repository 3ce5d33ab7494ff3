#include "trainer/training.h"

#include <torch/torch.h>

#include <chrono>
#include <cmath>
#include <filesystem>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/diffusion/solver.h"
#include "core/model/threads.h"
#include "trainer/batch_maker.h"
#include "trainer/checkpoint.h"

namespace unlasting::trainer {
namespace {

using model::Network;
using model::NetworkKind;
using torch::Tensor;
using Clock = std::chrono::steady_clock;

Tensor RowLosses(const TrainingTask& task, const Network& network, const BatchRows& rows) {
  return task.kind == NetworkKind::kDenoiser
             ? network.DenoiserLoss(rows.x_0, rows.x_t, rows.t, rows.inputs)
             : network.MaskLoss(rows.x_0, rows.inputs);
}

// Mean loss of the batch and its gradients in the weights' `grad`. Each thread differentiates its
// share of the rows; shares are summed in order, so that a run repeats.
double LossAndGradients(const TrainingTask& task, const Network& network, const Batches& batch,
                        const std::vector<Tensor>& weights) {
  const auto shards = static_cast<int>(task.config->threads());
  const int64_t total = batch.control.size() + batch.perturbed.size();
  std::vector<std::vector<Tensor>> gradients(shards);
  std::vector<double> losses(shards, 0.0);
  model::RunShards(shards, [&](int shard) {
    std::vector<Tensor> parts;
    for (const BatchRows* rows : {&batch.control, &batch.perturbed}) {
      const model::Range range = model::ShardOf(rows->size(), shards, shard);
      if (range.begin < range.end) {
        parts.push_back(RowLosses(task, network, rows->Part(range)));
      }
    }
    if (parts.empty()) return;
    const Tensor loss = torch::cat(parts).sum() / static_cast<double>(total);
    losses[shard] = loss.item<double>();
    gradients[shard] = torch::autograd::grad({loss}, weights, /*grad_outputs=*/{},
                                             /*retain_graph=*/false, /*create_graph=*/false,
                                             /*allow_unused=*/true);
  });
  double loss = 0;
  for (const double part : losses) loss += part;
  torch::NoGradGuard no_grad;
  for (size_t k = 0; k < weights.size(); ++k) {
    Tensor sum;
    for (const auto& part : gradients) {
      if (part.empty() || !part[k].defined()) continue;
      sum = sum.defined() ? sum.add_(part[k]) : part[k].clone();
    }
    Tensor weight = weights[k];
    // Weights that the batch does not reach (a drug's, in a batch of genes) get zeros.
    weight.mutable_grad() = sum.defined() ? sum : torch::zeros_like(weight);
  }
  return loss;
}

double LearningRate(const TrainConfig& config, int64_t step, int64_t steps) {
  constexpr double kLast = 0.05;
  const double warmup = std::min(1.0, (step + 1.0) / std::max<int64_t>(config.warmup_steps(), 1));
  const double share = static_cast<double>(step) / static_cast<double>(std::max<int64_t>(steps, 1));
  const double cosine = kLast + (1 - kLast) * 0.5 * (1 + std::cos(M_PI * share));
  return config.learning_rate() * warmup * cosine;
}

void SetLearningRate(double rate, torch::optim::Optimizer* optimizer) {
  for (auto& group : optimizer->param_groups()) {
    static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
  }
}

void UpdateAverage(double decay, const std::vector<Tensor>& weights, std::vector<Tensor>* average) {
  torch::NoGradGuard no_grad;
  for (size_t k = 0; k < weights.size(); ++k) {
    (*average)[k].mul_(decay).add_(weights[k], 1.0 - decay);
  }
}

const char* LossName(NetworkKind kind) {
  return kind == NetworkKind::kDenoiser ? "loss" : "mask_loss";
}

absl::Status RunSteps(const TrainingTask& task, Network* network) {
  const TrainConfig& config = *task.config;
  at::set_num_threads(1);
  const std::vector<Tensor> weights = network->Parameters();
  torch::optim::AdamW optimizer(
      weights,
      torch::optim::AdamWOptions(config.learning_rate()).weight_decay(config.weight_decay()));
  std::vector<Tensor> average;
  for (const Tensor& weight : weights) average.push_back(weight.detach().clone());

  int64_t step = 0;
  if (task.resume && std::filesystem::exists(task.checkpoint_path)) {
    UNLASTING_RETURN_IF_ERROR(
        ReadCheckpoint(task.checkpoint_path, weights, &average, &optimizer, &step));
  }
  const BatchMaker batches(task.kind, config, *task.data, *task.schedule);
  const auto save = [&] {
    return WriteCheckpoint(task.checkpoint_path, weights, average, optimizer, step);
  };
  auto last_save = Clock::now();
  double loss_sum = 0;
  int64_t loss_count = 0;
  while (step < task.steps) {
    SetLearningRate(LearningRate(config, step, task.steps), &optimizer);
    const double value = LossAndGradients(task, *network, batches.Make(step), weights);
    if (!std::isfinite(value)) {
      return absl::InternalError(absl::StrCat("training: the loss of step ", step,
                                              " is not finite; try a lower learning_rate"));
    }
    torch::nn::utils::clip_grad_norm_(weights, config.clip());
    optimizer.step();
    UpdateAverage(std::min(config.ema(), (1.0 + step) / (10.0 + step)), weights, &average);
    ++step;
    loss_sum += value;
    ++loss_count;
    if (step % config.log_every() == 0 || step == task.steps) {
      if (task.log) task.log({{"step", step}, {LossName(task.kind), loss_sum / loss_count}});
      if (task.progress) task.progress(step, task.steps, loss_sum / loss_count);
      loss_sum = 0;
      loss_count = 0;
    }
    if (task.interrupted != nullptr && task.interrupted->load()) {
      UNLASTING_RETURN_IF_ERROR(save());
      return absl::CancelledError(
          absl::StrCat("interrupted at step ", step, "; --resume goes on from there"));
    }
    if (Clock::now() - last_save >
        std::chrono::duration<double>(60 * config.checkpoint_minutes())) {
      UNLASTING_RETURN_IF_ERROR(save());
      last_save = Clock::now();
    }
  }
  UNLASTING_RETURN_IF_ERROR(save());
  torch::NoGradGuard no_grad;
  for (size_t k = 0; k < weights.size(); ++k) {
    Tensor weight = weights[k];
    weight.copy_(average[k]);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Train(const TrainingTask& task, Network* network) {
  model::PrepareProcess();
  try {
    return RunSteps(task, network);
  } catch (const std::exception& error) {
    const std::string what = error.what();
    return absl::InternalError(absl::StrCat("training: ", what.substr(0, what.find('\n'))));
  }
}

model::NetworkStatistics StatisticsOf(const TrainingData& data, const network::Graph& graph,
                                      const TrainConfig& config) {
  const cells::Prepared& prepared = data.prepared();
  const double scale = 1.0 / prepared.x_max;
  const auto types = static_cast<int64_t>(prepared.data.cell_types.size());
  const int64_t genes = data.genes();
  model::NetworkStatistics statistics;

  std::vector<double> mean, deviation;
  const std::vector<int64_t> training = prepared.split.Cells(/*test_cells=*/false);
  cells::MeanAndDeviation(prepared.data.values, training, &mean, &deviation);
  const Tensor overall_deviation =
      torch::tensor(deviation, torch::kFloat64).mul(scale).to(torch::kFloat32);
  statistics.anchor_deviation = overall_deviation.unsqueeze(0).repeat({types, 1});
  if (config.anchor() == "control") {
    statistics.anchor_mean = ToTensor(data.control_statistics().mean, scale);
  } else {
    statistics.anchor_mean = torch::tensor(mean, torch::kFloat64)
                                 .mul(scale)
                                 .to(torch::kFloat32)
                                 .unsqueeze(0)
                                 .repeat({types, 1});
  }

  statistics.active_share = torch::zeros({types, genes}, torch::kFloat64);
  auto share = statistics.active_share.accessor<double, 2>();
  for (int64_t type = 0; type < types; ++type) {
    const auto& controls = data.controls(static_cast<int32_t>(type));
    for (const int64_t cell : controls) {
      const auto columns = prepared.data.values.RowIndices(cell);
      const auto values = prepared.data.values.RowValues(cell);
      for (size_t k = 0; k < columns.size(); ++k) {
        if (values[k] > 0) share[type][columns[k]] += 1.0 / static_cast<double>(controls.size());
      }
    }
  }
  // Shrunk in logits: with weight 1 the network learns each type's change from its own control,
  // with 0 the mean over training types; an unseen type is best served between the two.
  statistics.active_share =
      torch::sigmoid(config.mask_prior() * torch::logit(statistics.active_share, 1e-3));
  statistics.edge_indptr = graph.indptr;
  statistics.edge_source.assign(graph.sources.begin(), graph.sources.end());
  return statistics;
}

absl::StatusOr<LatentStatistics> MeasureLatents(const TrainingTask& task, const Network& network,
                                                int64_t cells) {
  UNLASTING_ASSIGN_OR_RETURN(
      const auto plan,
      diffusion::MakeBridgePlan(*task.schedule, diffusion::Solver::kDpmSolverPp2m, 10));
  try {
    torch::NoGradGuard no_grad;
    Batch batch = task.data->Draw(task.config->seed() + 1, 0, 2 * cells);
    Tensor x = RowsOf(*task.data, batch.control_cells);
    Network::Inputs inputs;
    inputs.cell_type = TypesOf(*task.data, batch.control_cells);
    Tensor previous = torch::zeros_like(x);
    for (const auto& step : plan.invert) {
      const Tensor t = torch::full({x.size(0)}, step.time, torch::kInt64);
      const Tensor x0 = network.Denoise(x, t, inputs);
      x = step.x_coefficient * x + step.x0_coefficient * x0 + step.previous_coefficient * previous;
      previous = x0;
    }
    return LatentStatistics{x.mean().item<double>(), x.std().item<double>()};
  } catch (const std::exception& error) {
    const std::string what = error.what();
    return absl::InternalError(absl::StrCat("latents: ", what.substr(0, what.find('\n'))));
  }
}

}  // namespace unlasting::trainer
