#include "trainer/training/batch_maker.h"

#include "trainer/settings/settings.h"

namespace unlasting::trainer {

using model::Network;
using model::NetworkKind;
using torch::Tensor;

namespace {

// Of the log of the noise over the genes' spread, as EDM draws it (Karras et al.).
constexpr double kNoiseMean = -0.2;
constexpr double kNoiseDeviation = 1.2;

// The first of each `share` cells.
std::vector<int64_t> EveryOf(const std::vector<int64_t>& cells, int64_t share) {
  std::vector<int64_t> first;
  for (size_t k = 0; k < cells.size(); k += share) first.push_back(cells[k]);
  return first;
}

// [groups, share, N].
Tensor GroupsOf(const TrainingData& data, const std::vector<int64_t>& cells, int64_t share) {
  return RowsOf(data, cells).view({-1, share, data.genes()});
}

// Every tensor that `rows` has, through `map`.
template <typename Map>
BatchRows Each(BatchRows rows, const Map& map) {
  Network::Inputs& in = rows.inputs;
  for (Tensor* tensor : {&rows.x_0, &rows.x_t, &rows.t, &in.cell_type, &in.control, &in.knockout,
                         &in.molecule, &in.dose, &in.hidden, &in.anonymous}) {
    if (tensor->defined()) *tensor = map(*tensor);
  }
  return rows;
}

}  // namespace

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

Network::Inputs InputsOf(const TrainingData& data, const std::vector<int64_t>& cells) {
  const auto rows = static_cast<int64_t>(cells.size());
  Network::Inputs inputs;
  inputs.cell_type = TypesOf(data, cells);
  inputs.knockout = torch::zeros({rows, data.nodes()});
  if (data.stimulus_features() > 0) {
    inputs.molecule = torch::zeros({rows, data.stimulus_features()});
    inputs.dose = torch::zeros({rows});
  }
  for (int64_t k = 0; k < rows; ++k) {
    const ConditionInputs& condition = data.inputs(cells[k]);
    for (const int32_t node : condition.knockout) {
      inputs.knockout.data_ptr<float>()[k * data.nodes() + node] = 1.0f;
    }
    if (condition.molecule.empty()) continue;
    std::copy(condition.molecule.begin(), condition.molecule.end(),
              inputs.molecule.data_ptr<float>() + k * data.stimulus_features());
    inputs.dose.data_ptr<float>()[k] = condition.log10_dose_um;
  }
  return inputs;
}

BatchRows BatchRows::Part(model::Range range) const {
  return Each(*this, [range](const Tensor& tensor) {
    return tensor.narrow(0, range.begin, range.end - range.begin);
  });
}

BatchRows BatchRows::On(torch::Device device) const {
  return Each(*this,
              [device](const Tensor& tensor) { return tensor.to(device, /*non_blocking=*/true); });
}

BatchRows BatchRows::Copied(torch::Device device) const {
  return Each(*this, [device](const Tensor& tensor) {
    return torch::empty_like(tensor, tensor.options().device(device)).copy_(tensor);
  });
}

BatchRows BatchRows::Pinned() const {
  return Each(*this, [](const Tensor& tensor) { return tensor.pin_memory(); });
}

BatchMaker::BatchMaker(NetworkKind kind, const TrainConfig& config, const TrainingData& data,
                       const diffusion::Schedule& schedule)
    : kind_(kind), config_(config), data_(data) {
  const double scale = 1.0 / data.prepared().x_max;
  control_mean_ = ToTensor(data.control_statistics().mean, scale);
  control_deviation_ = ToTensor(data.control_statistics().deviation, scale);
  std::vector<double> alpha_bar;
  for (int t = 0; t < schedule.steps(); ++t) alpha_bar.push_back(schedule.alpha_bar(t));
  alpha_bar_ = torch::tensor(alpha_bar, torch::kFloat64).to(torch::kFloat32);
  const Tensor spread = control_deviation_.square().mean().sqrt().clamp_min(1e-3);
  log_noise_ = 0.5 * torch::log((1 - alpha_bar_) / alpha_bar_) - torch::log(spread);
}

Batches BatchMaker::Make(int64_t step) const {
  const Batch batch =
      data_.Draw(config_.seed(), step, config_.batch_size(), config_.share_control());
  auto random =
      at::detail::createCPUGenerator(config_.seed() * 1000003 + static_cast<uint64_t>(step));
  Batches batches;
  if (kind_ == NetworkKind::kDenoiser && !batch.control_cells.empty()) {
    batches.control.x_0 = GroupsOf(data_, batch.control_cells, batch.share);
    batches.control.inputs.cell_type = TypesOf(data_, EveryOf(batch.control_cells, batch.share));
    AddNoise(random, &batches.control);
  }
  batches.perturbed.x_0 = GroupsOf(data_, batch.perturbed_cells, batch.share);
  batches.perturbed.inputs = PerturbedInputs(batch, random);
  if (kind_ == NetworkKind::kDenoiser) AddNoise(random, &batches.perturbed);
  return batches;
}

// Nine tenths of a schedule's times drown log1p values in noise and leave nothing to learn, so that
// drawn evenly, few rows say how genes hang together.
Tensor BatchMaker::DrawTimes(const at::Generator& random, const std::vector<int64_t>& shape) const {
  const int64_t last = alpha_bar_.size(0) - 1;
  if (!DrawsByNoise(config_)) {
    return torch::randint(0, last + 1, shape, random, torch::TensorOptions(torch::kInt64));
  }
  const Tensor wanted = kNoiseMean + kNoiseDeviation * torch::randn(shape, random);
  return torch::searchsorted(log_noise_, wanted).clamp_max(last);
}

// Eq 1.
void BatchMaker::AddNoise(const at::Generator& random, BatchRows* rows) const {
  rows->t = DrawTimes(random, {rows->x_0.size(0), rows->x_0.size(1)});
  const Tensor abar = alpha_bar_.index_select(0, rows->t.flatten()).view_as(rows->t).unsqueeze(2);
  const Tensor noise = torch::randn(rows->x_0.sizes(), random, rows->x_0.options());
  rows->x_t = abar.sqrt() * rows->x_0 + (1 - abar).sqrt() * noise;
}

Network::Inputs BatchMaker::PerturbedInputs(const Batch& batch, const at::Generator& random) const {
  Network::Inputs inputs = InputsOf(data_, EveryOf(batch.perturbed_cells, batch.share));
  if (config_.control_input() == "cells") {
    inputs.control = RowsOf(data_, batch.partner_cells);
  } else {
    // Eq 5.
    const Tensor mean = control_mean_.index_select(0, inputs.cell_type);
    const Tensor deviation = control_deviation_.index_select(0, inputs.cell_type);
    inputs.control = mean + deviation * torch::randn(mean.sizes(), random, mean.options());
  }
  if (HasExpectedResponse(config_)) {
    inputs.hidden = torch::rand({inputs.cell_type.size(0)}, random)
                        .lt(config_.response_dropout())
                        .to(torch::kFloat32);
  }
  if (HearsCondition(config_)) {
    const Tensor dropped = torch::rand({inputs.cell_type.size(0)}, random)
                               .lt(config_.identity_dropout())
                               .to(torch::kFloat32);
    inputs.anonymous = torch::max(dropped, inputs.hidden);
  }
  return inputs;
}

}  // namespace unlasting::trainer
