#include "trainer/training/loss_and_gradients.h"

#include "core/model/torch/threads.h"

namespace unlasting::trainer {

using model::Network;
using model::NetworkKind;
using torch::Tensor;

namespace {

// Of each group of cells that share their conditions, the mean, [B]; a denoiser's cells one by one
// are added to `timed`.
Tensor RowLosses(NetworkKind kind, const Network& network, const BatchRows& rows,
                 std::vector<StepResult::TimedLosses>* timed) {
  const std::vector<int64_t> shape = {rows.x_0.size(0), rows.x_0.size(1)};
  const Tensor x_0 = rows.x_0.flatten(0, 1);
  if (kind == NetworkKind::kMask) {
    return network.MaskLoss(x_0, rows.inputs).view(shape).mean(1);
  }
  const Tensor times = rows.t.flatten();
  const Tensor losses = network.DenoiserLosses(x_0, rows.x_t.flatten(0, 1), times, rows.inputs);
  timed->push_back({losses.detach(), times});
  return losses.select(1, 0).view(shape).mean(1);
}

// Of rows that lie where the network does: their part of the mean over a batch of `total` rows.
StepResult Compute(NetworkKind kind, const Network& network, const std::vector<BatchRows>& rows,
                   const std::vector<Tensor>& weights, int64_t total) {
  StepResult result;
  std::vector<Tensor> parts;
  for (const BatchRows& each : rows) {
    parts.push_back(RowLosses(kind, network, each, &result.timed));
  }
  const Tensor loss = torch::cat(parts).sum() / static_cast<double>(total);
  result.gradients = torch::autograd::grad({loss}, weights, /*grad_outputs=*/{},
                                           /*retain_graph=*/false, /*create_graph=*/false,
                                           /*allow_unused=*/true);
  result.loss = loss.detach();
  return result;
}

// The rows that are the `shard`-th of `shards`; halves without any are left out.
std::vector<BatchRows> ShareOf(const Batches& batch, int shards, int shard) {
  std::vector<BatchRows> rows;
  for (const BatchRows* half : {&batch.control, &batch.perturbed}) {
    const model::Range range = model::ShardOf(half->size(), shards, shard);
    if (range.begin < range.end) rows.push_back(half->Part(range));
  }
  return rows;
}

}  // namespace

double LossAndGradients(const TrainingTask& task, const Network& network, const Batches& batch,
                        const std::vector<Tensor>& weights, const Tensor& log_noise,
                        RecordedSteps* recorded, LossByNoise* by_noise) {
  // A device takes a rank's share of the batch whole.
  const bool whole = recorded != nullptr || !task.device.is_cpu();
  const int shards = whole ? 1 : static_cast<int>(task.config->threads());
  const int ranks = task.ranks == nullptr ? 1 : task.ranks->size();
  const int first = (task.ranks == nullptr ? 0 : task.ranks->rank()) * shards;
  const int64_t total = batch.control.size() + batch.perturbed.size();
  std::vector<StepResult> results(shards);
  std::vector<double> losses(shards, 0.0);
  std::vector<LossByNoise> by_shard(shards);
  const auto compute = [&](const std::vector<BatchRows>& rows, int64_t of_total) {
    return Compute(task.kind, network, rows, weights, of_total);
  };
  model::RunShards(shards, [&](int shard) {
    std::vector<BatchRows> rows = ShareOf(batch, ranks * shards, first + shard);
    if (rows.empty()) return;
    StepResult& result = results[shard];
    if (recorded != nullptr) {
      result = recorded->Run(rows, total, compute);
    } else {
      for (BatchRows& each : rows) each = each.On(task.device);
      result = compute(rows, total);
    }
    // Not before: a device has then been given all of its work.
    losses[shard] = result.loss.item<double>();
    for (const StepResult::TimedLosses& each : result.timed) {
      by_shard[shard].Add(each.losses, log_noise.index_select(0, each.times.to(torch::kCPU)));
    }
  });
  double loss = 0;
  for (const double part : losses) loss += part;
  for (const LossByNoise& part : by_shard) by_noise->Add(part);
  torch::NoGradGuard no_grad;
  for (size_t k = 0; k < weights.size(); ++k) {
    Tensor sum;
    for (const StepResult& part : results) {
      if (part.gradients.empty() || !part.gradients[k].defined()) continue;
      sum = sum.defined() ? sum.add_(part.gradients[k]) : part.gradients[k].clone();
    }
    Tensor weight = weights[k];
    // Weights that the batch does not use (a drug's, in a batch of genes) get zeros.
    weight.mutable_grad() = sum.defined() ? sum : torch::zeros_like(weight);
  }
  return loss;
}

}  // namespace unlasting::trainer
