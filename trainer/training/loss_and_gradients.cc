#include "trainer/training/loss_and_gradients.h"

#include "core/model/torch/threads.h"

namespace unlasting::trainer {

using model::Network;
using model::NetworkKind;
using torch::Tensor;

namespace {

// The losses of a batch's rows [R, 2] and their times [R].
struct TimedLosses {
  Tensor losses, times;
};

// Of each group of cells that share their conditions, the mean, [B]; a denoiser's cells one by one
// are added to `timed`.
Tensor RowLosses(const TrainingTask& task, const Network& network, const BatchRows& rows,
                 std::vector<TimedLosses>* timed) {
  const std::vector<int64_t> shape = {rows.x_0.size(0), rows.x_0.size(1)};
  const Tensor x_0 = rows.x_0.flatten(0, 1);
  if (task.kind == NetworkKind::kMask) {
    return network.MaskLoss(x_0, rows.inputs).view(shape).mean(1);
  }
  const Tensor times = rows.t.flatten();
  const Tensor losses = network.DenoiserLosses(x_0, rows.x_t.flatten(0, 1), times, rows.inputs);
  timed->push_back({losses.detach(), times});
  return losses.select(1, 0).view(shape).mean(1);
}

}  // namespace

double LossAndGradients(const TrainingTask& task, const Network& network, const Batches& batch,
                        const std::vector<Tensor>& weights, const Tensor& log_noise,
                        LossByNoise* by_noise) {
  // A device takes a rank's share of the batch whole.
  const int shards = task.device.is_cpu() ? static_cast<int>(task.config->threads()) : 1;
  const int ranks = task.ranks == nullptr ? 1 : task.ranks->size();
  const int first = (task.ranks == nullptr ? 0 : task.ranks->rank()) * shards;
  const int64_t total = batch.control.size() + batch.perturbed.size();
  std::vector<std::vector<Tensor>> gradients(shards);
  std::vector<double> losses(shards, 0.0);
  std::vector<LossByNoise> by_shard(shards);
  model::RunShards(shards, [&](int shard) {
    std::vector<Tensor> parts;
    std::vector<TimedLosses> timed;
    for (const BatchRows* rows : {&batch.control, &batch.perturbed}) {
      const model::Range range = model::ShardOf(rows->size(), ranks * shards, first + shard);
      if (range.begin < range.end) {
        parts.push_back(RowLosses(task, network, rows->Part(range).On(task.device), &timed));
      }
    }
    if (parts.empty()) return;
    const Tensor loss = torch::cat(parts).sum() / static_cast<double>(total);
    gradients[shard] = torch::autograd::grad({loss}, weights, /*grad_outputs=*/{},
                                             /*retain_graph=*/false, /*create_graph=*/false,
                                             /*allow_unused=*/true);
    // Not before: a device has then been given all of its work.
    losses[shard] = loss.item<double>();
    for (const TimedLosses& rows : timed) {
      by_shard[shard].Add(rows.losses, log_noise.index_select(0, rows.times.to(torch::kCPU)));
    }
  });
  double loss = 0;
  for (const double part : losses) loss += part;
  for (const LossByNoise& part : by_shard) by_noise->Add(part);
  torch::NoGradGuard no_grad;
  for (size_t k = 0; k < weights.size(); ++k) {
    Tensor sum;
    for (const auto& part : gradients) {
      if (part.empty() || !part[k].defined()) continue;
      sum = sum.defined() ? sum.add_(part[k]) : part[k].clone();
    }
    Tensor weight = weights[k];
    // Weights that the batch does not use (a drug's, in a batch of genes) get zeros.
    weight.mutable_grad() = sum.defined() ? sum : torch::zeros_like(weight);
  }
  return loss;
}

}  // namespace unlasting::trainer
