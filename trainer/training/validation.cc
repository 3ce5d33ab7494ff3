#include "trainer/training/validation.h"

#include <random>

#include "core/base/status.h"
#include "core/evaluate/distances.h"
#include "core/model/torch/threads.h"
#include "trainer/training/batch_maker.h"

namespace unlasting::trainer {
namespace {

using model::Network;
using torch::Tensor;

constexpr int kSolverSteps = 10;
// Bounds the cost of a check, which is 2 * kSolverSteps evaluations of each cell of all groups.
constexpr int64_t kMaxCells = 512;
constexpr int64_t kMaxCellsOfAGroup = 64;
constexpr int64_t kMaxGroups = 16;

// The state after all steps of `plan`, from `x` [B, N].
Tensor RunPlan(const Network& denoiser, const diffusion::Plan& plan, const Network::Inputs& inputs,
               Tensor x) {
  Tensor previous = torch::zeros_like(x);
  for (const auto& step : plan) {
    const Tensor t = torch::full({x.size(0)}, step.time, x.options().dtype(torch::kInt64));
    const Tensor x0 = denoiser.Denoise(x, t, inputs);
    x = step.x_coefficient * x + step.x0_coefficient * x0 + step.previous_coefficient * previous;
    previous = x0;
  }
  return x;
}

DenseMatrix ToMatrix(const Tensor& rows) {
  DenseMatrix matrix(rows.size(0), rows.size(1));
  std::copy_n(rows.to(torch::kCPU).contiguous().data_ptr<float>(), matrix.values.size(),
              matrix.values.begin());
  return matrix;
}

}  // namespace

absl::StatusOr<Validation> Validation::Create(const TrainingData& data,
                                              const diffusion::Schedule& schedule, uint64_t seed) {
  const auto& all = data.validation_groups();
  if (all.empty()) {
    return absl::InvalidArgumentError(
        "validation_fraction: found no training condition with enough perturbed cells, expected "
        "two "
        "or more to hold out beside those to train on; raise validation_fraction, or set it to 0");
  }
  Validation validation;
  validation.data_ = &data;
  UNLASTING_ASSIGN_OR_RETURN(
      validation.plan_,
      diffusion::MakeBridgePlan(schedule, diffusion::Solver::kDpmSolverPp2m, kSolverSteps));
  std::mt19937_64 random(seed);
  const auto available = static_cast<int64_t>(all.size());
  const int64_t wanted = std::min(kMaxGroups, available);
  const int64_t size = std::min(kMaxCellsOfAGroup, kMaxCells / wanted);
  for (int64_t k = 0; k < wanted; ++k) {
    const auto& members = all[k * available / wanted];
    const auto& controls = data.controls(data.cell_type(members[0]));
    Group group;
    group.truth.assign(members.begin(), members.begin() + std::min<int64_t>(size, members.size()));
    for (size_t n = 0; n < group.truth.size(); ++n) {
      group.control.push_back(controls[random() % controls.size()]);
    }
    validation.groups_.push_back(std::move(group));
  }
  return validation;
}

Tensor Validation::Generate(const Network& denoiser, const Group& group) const {
  torch::NoGradGuard no_grad;
  BatchRows source, target;
  source.x_0 = RowsOf(*data_, group.control);
  source.inputs.cell_type = TypesOf(*data_, group.control);
  target.inputs = InputsOf(*data_, group.truth);
  target.inputs.control = source.x_0;
  source = source.On(denoiser.device());
  target = target.On(denoiser.device());
  const Tensor latent = RunPlan(denoiser, plan_.invert, source.inputs, source.x_0);
  return RunPlan(denoiser, plan_.decode, target.inputs, latent).clamp_min(0);
}

double Validation::Distance(const Network& denoiser, int threads) const {
  std::vector<double> distances(groups_.size(), 0.0);
  const auto total = static_cast<int64_t>(groups_.size());
  const int shards = denoiser.device().is_cpu() ? threads : 1;
  model::RunShards(shards, [&](int shard) {
    const model::Range range = model::ShardOf(total, shards, shard);
    for (int64_t k = range.begin; k < range.end; ++k) {
      const double scale = data_->prepared().x_max;
      const DenseMatrix made = ToMatrix(Generate(denoiser, groups_[k]) * scale);
      const DenseMatrix truth = ToMatrix(RowsOf(*data_, groups_[k].truth) * scale);
      distances[k] = evaluate::EDistance(made, truth).unbiased;
    }
  });
  double sum = 0;
  for (const double distance : distances) sum += distance;
  return sum / static_cast<double>(total);
}

absl::StatusOr<LatentStatistics> MeasureLatents(const TrainingData& data,
                                                const diffusion::Schedule& schedule,
                                                const Network& denoiser, uint64_t seed,
                                                int64_t cells) {
  UNLASTING_ASSIGN_OR_RETURN(
      const auto plan,
      diffusion::MakeBridgePlan(schedule, diffusion::Solver::kDpmSolverPp2m, kSolverSteps));
  try {
    torch::NoGradGuard no_grad;
    // Half of a batch are control cells.
    const Batch batch = data.Draw(seed, 0, 2 * cells);
    Network::Inputs inputs;
    inputs.cell_type = TypesOf(data, batch.control_cells);
    const Tensor latents =
        RunPlan(denoiser, plan.invert, inputs, RowsOf(data, batch.control_cells));
    return LatentStatistics{latents.mean().item<double>(), latents.std().item<double>()};
  } catch (const std::exception& error) {
    const std::string what = error.what();
    return absl::InternalError(absl::StrCat("latents: ", what.substr(0, what.find('\n'))));
  }
}

}  // namespace unlasting::trainer
