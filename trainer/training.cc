#include "trainer/training.h"

#include <torch/torch.h>

#include <chrono>
#include <cmath>
#include <filesystem>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/diffusion/solver.h"
#include "core/model/threads.h"
#include "trainer/checkpoint.h"

namespace unlasting::trainer {
namespace {

using model::Network;
using model::NetworkKind;
using torch::Tensor;
using Clock = std::chrono::steady_clock;

Tensor RowsOf(const TrainingData& data, const std::vector<int64_t>& cells) {
  Tensor rows = torch::empty({static_cast<int64_t>(cells.size()), data.genes()});
  for (size_t k = 0; k < cells.size(); ++k) {
    data.Fill(cells[k], rows.data_ptr<float>() + static_cast<int64_t>(k) * data.genes());
  }
  return rows;
}

Tensor TypesOf(const TrainingData& data, const std::vector<int64_t>& cells) {
  std::vector<int64_t> types;
  for (const int64_t cell : cells) types.push_back(data.cell_type(cell));
  return torch::tensor(types, torch::kInt64);
}

Tensor ToTensor(const DenseMatrix& matrix, double scale) {
  return torch::from_blob(const_cast<float*>(matrix.values.data()), {matrix.rows, matrix.cols})
      .clone()
      .mul_(scale);
}

// Tensors of a batch; noise is drawn from a generator seeded by (seed, step).
class BatchMaker {
 public:
  BatchMaker(const TrainingTask& task)
      : task_(task),
        control_mean_(ToTensor(task.data->control_statistics().mean, Scale())),
        control_deviation_(ToTensor(task.data->control_statistics().deviation, Scale())) {
    std::vector<double> abar;
    for (int t = 0; t < task.schedule->steps(); ++t) abar.push_back(task.schedule->alpha_bar(t));
    alpha_bar_ = torch::tensor(abar, torch::kFloat64).to(torch::kFloat32);
  }

  // The batch of `step`, with its noise: the same however it is cut for the threads.
  struct Rows {
    Tensor x_0, x_t, t;  // x_t and t are undefined for the mask model
    Network::Inputs inputs;
    int64_t size() const { return x_0.defined() ? x_0.size(0) : 0; }
  };
  struct Halves {
    Rows control;  // empty for the mask model
    Rows perturbed;
  };
  Halves Make(int64_t step) const {
    const TrainConfig& config = *task_.config;
    const Batch batch = task_.data->Draw(config.seed(), step, config.batch_size());
    auto random = at::detail::createCPUGenerator(config.seed() * 1000003 +
                                                 static_cast<uint64_t>(step));
    Halves halves;
    if (task_.kind == NetworkKind::kDenoiser && !batch.control_cells.empty()) {
      halves.control.x_0 = RowsOf(*task_.data, batch.control_cells);
      halves.control.inputs.cell_type = TypesOf(*task_.data, batch.control_cells);
      AddNoise(random, &halves.control);
    }
    halves.perturbed.x_0 = RowsOf(*task_.data, batch.perturbed_cells);
    halves.perturbed.inputs = PerturbedInputs(batch, random);
    if (task_.kind == NetworkKind::kDenoiser) AddNoise(random, &halves.perturbed);
    return halves;
  }

 private:
  double Scale() const { return 1.0 / task_.data->prepared().x_max; }

  // Eq 1 at times drawn from all of the schedule's.
  void AddNoise(const at::Generator& random, Rows* rows) const {
    rows->t = torch::randint(0, task_.schedule->steps(), {rows->size()}, random,
                             torch::TensorOptions(torch::kInt64));
    const Tensor abar = alpha_bar_.index_select(0, rows->t).unsqueeze(1);
    const Tensor noise = torch::randn(rows->x_0.sizes(), random, rows->x_0.options());
    rows->x_t = abar.sqrt() * rows->x_0 + (1 - abar).sqrt() * noise;
  }

  Network::Inputs PerturbedInputs(const Batch& batch, const at::Generator& random) const {
    const TrainingData& data = *task_.data;
    const auto rows = static_cast<int64_t>(batch.perturbed_cells.size());
    Network::Inputs inputs;
    inputs.cell_type = TypesOf(data, batch.perturbed_cells);
    if (task_.config->control_input() == "cells") {
      inputs.control = RowsOf(data, batch.partner_cells);
    } else {
      // Eq 5.
      const Tensor mean = control_mean_.index_select(0, inputs.cell_type);
      const Tensor deviation = control_deviation_.index_select(0, inputs.cell_type);
      inputs.control = mean + deviation * torch::randn(mean.sizes(), random, mean.options());
    }
    inputs.knockout = torch::zeros({rows, data.nodes()});
    if (data.any_molecule()) {
      inputs.molecule = torch::zeros({rows, data.molecule_features()});
      inputs.dose = torch::zeros({rows});
    }
    for (int64_t k = 0; k < rows; ++k) {
      const ConditionInputs& condition = data.inputs(batch.perturbed_cells[k]);
      for (const int32_t node : condition.knockout) {
        inputs.knockout.data_ptr<float>()[k * data.nodes() + node] = 1.0f;
      }
      if (condition.molecule.empty()) continue;
      std::copy(condition.molecule.begin(), condition.molecule.end(),
                inputs.molecule.data_ptr<float>() + k * data.molecule_features());
      inputs.dose.data_ptr<float>()[k] = condition.log10_dose_um;
    }
    return inputs;
  }

  const TrainingTask& task_;
  Tensor control_mean_;
  Tensor control_deviation_;
  Tensor alpha_bar_;
};

Tensor Narrow(const Tensor& tensor, model::Range range) {
  return tensor.defined() ? tensor.narrow(0, range.begin, range.end - range.begin) : tensor;
}

BatchMaker::Rows Narrow(const BatchMaker::Rows& rows, model::Range range) {
  BatchMaker::Rows part;
  part.x_0 = Narrow(rows.x_0, range);
  part.x_t = Narrow(rows.x_t, range);
  part.t = Narrow(rows.t, range);
  part.inputs.cell_type = Narrow(rows.inputs.cell_type, range);
  part.inputs.control = Narrow(rows.inputs.control, range);
  part.inputs.knockout = Narrow(rows.inputs.knockout, range);
  part.inputs.molecule = Narrow(rows.inputs.molecule, range);
  part.inputs.dose = Narrow(rows.inputs.dose, range);
  return part;
}

Tensor RowLosses(const TrainingTask& task, const Network& network, const BatchMaker::Rows& rows) {
  return task.kind == NetworkKind::kDenoiser
             ? network.DenoiserLoss(rows.x_0, rows.x_t, rows.t, rows.inputs)
             : network.MaskLoss(rows.x_0, rows.inputs);
}

// Mean loss of the batch and its gradients in the weights' `grad`. Each thread differentiates its
// share of the rows; shares are summed in order, so that a run repeats exactly.
double LossAndGradients(const TrainingTask& task, const Network& network,
                        const BatchMaker::Halves& batch, const std::vector<Tensor>& weights) {
  const auto shards = static_cast<int>(task.config->threads());
  const int64_t total = batch.control.size() + batch.perturbed.size();
  std::vector<std::vector<Tensor>> gradients(shards);
  std::vector<double> losses(shards, 0.0);
  model::RunShards(shards, [&](int shard) {
    std::vector<Tensor> parts;
    for (const BatchMaker::Rows* rows : {&batch.control, &batch.perturbed}) {
      const model::Range range = model::ShardOf(rows->size(), shards, shard);
      if (range.begin < range.end) {
        parts.push_back(RowLosses(task, network, Narrow(*rows, range)));
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
  torch::optim::AdamW optimizer(weights, torch::optim::AdamWOptions(config.learning_rate())
                                             .weight_decay(config.weight_decay()));
  std::vector<Tensor> average;
  for (const Tensor& weight : weights) average.push_back(weight.detach().clone());

  int64_t step = 0;
  if (task.resume && std::filesystem::exists(task.checkpoint_path)) {
    UNLASTING_RETURN_IF_ERROR(
        ReadCheckpoint(task.checkpoint_path, weights, &average, &optimizer, &step));
  }
  const BatchMaker batches(task);
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
      return absl::CancelledError(absl::StrCat("interrupted at step ", step,
                                               "; --resume goes on from there"));
    }
    if (Clock::now() - last_save > std::chrono::duration<double>(60 * config.checkpoint_minutes())) {
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
    statistics.anchor_mean =
        torch::tensor(mean, torch::kFloat64).mul(scale).to(torch::kFloat32).unsqueeze(0).repeat(
            {types, 1});
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
  // Shrunk in logits: with weight 1 the network learns each type's change from its own control, with
  // 0 the mean over training types; an unseen type is best served between the two.
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
      x = step.x_coefficient * x + step.x0_coefficient * x0 +
          step.previous_coefficient * previous;
      previous = x0;
    }
    return LatentStatistics{x.mean().item<double>(), x.std().item<double>()};
  } catch (const std::exception& error) {
    const std::string what = error.what();
    return absl::InternalError(absl::StrCat("latents: ", what.substr(0, what.find('\n'))));
  }
}

}  // namespace unlasting::trainer
