#include "trainer/training/validation.h"

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/cells/cell_order.h"
#include "core/evaluate/distances.h"
#include "core/evaluate/structure.h"
#include "core/model/torch/threads.h"
#include "trainer/training/batch_maker.h"

namespace unlasting::trainer {
namespace {

using model::Network;
using torch::Tensor;

constexpr int kSolverSteps = 10;

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

// The mean of the values that are numbers; NaN where none is.
double MeanOfDefined(const std::vector<ValidationScores>& scores,
                     double ValidationScores::*member) {
  double sum = 0, count = 0;
  for (const ValidationScores& one : scores) {
    if (std::isnan(one.*member)) continue;
    sum += one.*member;
    ++count;
  }
  return sum / count;
}

}  // namespace

std::vector<std::vector<int64_t>> HeldOutGroups(const TrainingData& data) {
  const cells::Dataset& cells = data.prepared().data;
  std::vector<int64_t> ordered = data.prepared().split.Cells(/*test_cells=*/true);
  cells::SortByBarcode(cells, &ordered);
  std::map<std::pair<std::string, std::string>, std::vector<int64_t>> by_name;
  for (const int64_t cell : ordered) {
    const cells::Condition& condition = cells.conditions[cells.condition[cell]];
    if (condition.control) continue;
    by_name[{condition.Identity(), cells.cell_types[cells.cell_type[cell]]}].push_back(cell);
  }
  std::vector<std::vector<int64_t>> groups;
  for (auto& [unused, members] : by_name) {
    if (members.size() > 1) groups.push_back(std::move(members));
  }
  return groups;
}

nlohmann::json ValidationScores::ToLine(int64_t step, const std::string& cells) const {
  nlohmann::json line = {{"step", step}};
  const auto add = [&](const char* score, double value) {
    if (std::isfinite(value)) line[absl::StrCat(cells, "_", score)] = value;
  };
  add("e_distance", e_distance);
  add("emd", emd);
  add("correlation_agreement", correlation_agreement);
  return line;
}

absl::StatusOr<Validation> Validation::Create(const TrainingData& data,
                                              const std::vector<std::vector<int64_t>>& groups,
                                              const Size& size, const diffusion::Schedule& schedule,
                                              uint64_t seed) {
  if (groups.empty()) {
    return absl::InvalidArgumentError(
        "validation_fraction: found no training condition with enough perturbed cells, expected "
        "two "
        "or more to hold out beside those to train on; raise validation_fraction, or set it to 0");
  }
  Validation validation;
  validation.data_ = &data;
  validation.share_control_ = size.share_control;
  UNLASTING_ASSIGN_OR_RETURN(
      validation.plan_,
      diffusion::MakeBridgePlan(schedule, diffusion::Solver::kDpmSolverPp2m, kSolverSteps));
  std::mt19937_64 random(seed);
  const auto available = static_cast<int64_t>(groups.size());
  const int64_t wanted = std::min(size.groups, available);
  const int64_t most = std::min(size.group_cells, size.cells / wanted);
  for (int64_t k = 0; k < wanted; ++k) {
    const auto& members = groups[k * available / wanted];
    const auto& controls = data.controls(data.cell_type(members[0]));
    Group group;
    // Whole numbers of cells that share a control cell.
    int64_t cells = std::min<int64_t>(most, members.size());
    cells -= cells % std::min(cells, size.share_control);
    group.truth.assign(members.begin(), members.begin() + cells);
    for (size_t n = 0; n < group.truth.size(); ++n) {
      group.control.push_back(controls[random() % controls.size()]);
    }
    validation.groups_.push_back(std::move(group));
  }
  return validation;
}

Tensor Validation::Generate(const Network& denoiser, const Group& group) const {
  torch::NoGradGuard no_grad;
  const auto cells = static_cast<int64_t>(group.truth.size());
  const int64_t share = std::min(cells, share_control_);
  std::vector<int64_t> shown, conditions;
  for (int64_t k = 0; k < cells; k += share) {
    shown.push_back(group.control[k]);
    conditions.push_back(group.truth[k]);
  }
  BatchRows source, target;
  source.x_0 = RowsOf(*data_, group.control);
  source.inputs.cell_type = TypesOf(*data_, group.control);
  target.inputs = InputsOf(*data_, conditions);
  target.inputs.control = RowsOf(*data_, shown);
  source = source.On(denoiser.device());
  target = target.On(denoiser.device());
  const Tensor latent = RunPlan(denoiser, plan_.invert, source.inputs, source.x_0);
  return RunPlan(denoiser, plan_.decode, target.inputs, latent).clamp_min(0);
}

ValidationScores Validation::Score(const Network& denoiser, const Group& group) const {
  const double scale = data_->prepared().x_max;
  const DenseMatrix made = ToMatrix(Generate(denoiser, group) * scale);
  const DenseMatrix truth = ToMatrix(RowsOf(*data_, group.truth) * scale);
  const DenseMatrix control = ToMatrix(RowsOf(*data_, group.control) * scale);
  const auto genes = evaluate::ChooseStructureGenes(truth, control);
  return {evaluate::EDistance(made, truth).unbiased, evaluate::Emd(made, truth),
          evaluate::CompareStructure(made, truth, genes).correlation_agreement};
}

ValidationScores Validation::Measure(const Network& denoiser, int threads) const {
  std::vector<ValidationScores> scores(groups_.size());
  const auto total = static_cast<int64_t>(groups_.size());
  const int shards = denoiser.device().is_cpu() ? threads : 1;
  model::RunShards(shards, [&](int shard) {
    const model::Range range = model::ShardOf(total, shards, shard);
    for (int64_t k = range.begin; k < range.end; ++k) scores[k] = Score(denoiser, groups_[k]);
  });
  return {MeanOfDefined(scores, &ValidationScores::e_distance),
          MeanOfDefined(scores, &ValidationScores::emd),
          MeanOfDefined(scores, &ValidationScores::correlation_agreement)};
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
