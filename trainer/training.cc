#include "trainer/training.h"

#include <malloc.h>
#include <torch/torch.h>

#include <chrono>
#include <cmath>
#include <filesystem>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/diffusion/solver.h"
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

  // Mean loss of the batch of `step`, over control and perturbed rows alike.
  Tensor Loss(const Network& network, int64_t step) const {
    const TrainConfig& config = *task_.config;
    const Batch batch = task_.data->Draw(config.seed(), step, config.batch_size());
    auto random = at::detail::createCPUGenerator(config.seed() * 1000003 +
                                                 static_cast<uint64_t>(step));
    std::vector<Tensor> losses;
    if (task_.kind == NetworkKind::kDenoiser && !batch.control_cells.empty()) {
      const Tensor x_0 = RowsOf(*task_.data, batch.control_cells);
      Network::Inputs inputs;
      inputs.cell_type = TypesOf(*task_.data, batch.control_cells);
      const auto [x_t, t] = AddNoise(x_0, random);
      losses.push_back(network.DenoiserLoss(x_0, x_t, t, inputs));
    }
    const Tensor x_0 = RowsOf(*task_.data, batch.perturbed_cells);
    const Network::Inputs inputs = PerturbedInputs(batch, random);
    if (task_.kind == NetworkKind::kDenoiser) {
      const auto [x_t, t] = AddNoise(x_0, random);
      losses.push_back(network.DenoiserLoss(x_0, x_t, t, inputs));
    } else {
      losses.push_back(network.MaskLoss(x_0, inputs));
    }
    return torch::cat(losses).mean();
  }

 private:
  double Scale() const { return 1.0 / task_.data->prepared().x_max; }

  // Eq 1 at times drawn from all of the schedule's.
  std::pair<Tensor, Tensor> AddNoise(const Tensor& x_0, const at::Generator& random) const {
    const Tensor t = torch::randint(0, task_.schedule->steps(), {x_0.size(0)}, random,
                                    torch::TensorOptions(torch::kInt64));
    const Tensor abar = alpha_bar_.index_select(0, t).unsqueeze(1);
    const Tensor noise = torch::randn(x_0.sizes(), random, x_0.options());
    return {abar.sqrt() * x_0 + (1 - abar).sqrt() * noise, t};
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
  at::set_num_threads(static_cast<int>(config.threads()));
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
    const Tensor loss = batches.Loss(*network, step);
    const double value = loss.item<double>();
    if (!std::isfinite(value)) {
      return absl::InternalError(absl::StrCat("training: the loss of step ", step,
                                              " is not finite; try a lower learning_rate"));
    }
    optimizer.zero_grad();
    loss.backward();
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
#if defined(__GLIBC__)
  // Step-sized tensors come and go: hand them out from the heap, not as fresh pages each time.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
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
