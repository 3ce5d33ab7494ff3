#include "trainer/training/batch_maker.h"

#include "trainer/settings/settings.h"

namespace unlasting::trainer {

using model::Network;
using model::NetworkKind;
using torch::Tensor;

namespace {

Tensor Narrow(const Tensor& tensor, model::Range range) {
  return tensor.defined() ? tensor.narrow(0, range.begin, range.end - range.begin) : tensor;
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
  BatchRows part;
  part.x_0 = Narrow(x_0, range);
  part.x_t = Narrow(x_t, range);
  part.t = Narrow(t, range);
  part.inputs.cell_type = Narrow(inputs.cell_type, range);
  part.inputs.control = Narrow(inputs.control, range);
  part.inputs.knockout = Narrow(inputs.knockout, range);
  part.inputs.molecule = Narrow(inputs.molecule, range);
  part.inputs.dose = Narrow(inputs.dose, range);
  part.inputs.hidden = Narrow(inputs.hidden, range);
  return part;
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
}

Batches BatchMaker::Make(int64_t step) const {
  const Batch batch = data_.Draw(config_.seed(), step, config_.batch_size());
  auto random =
      at::detail::createCPUGenerator(config_.seed() * 1000003 + static_cast<uint64_t>(step));
  Batches batches;
  if (kind_ == NetworkKind::kDenoiser && !batch.control_cells.empty()) {
    batches.control.x_0 = RowsOf(data_, batch.control_cells);
    batches.control.inputs.cell_type = TypesOf(data_, batch.control_cells);
    AddNoise(random, &batches.control);
  }
  batches.perturbed.x_0 = RowsOf(data_, batch.perturbed_cells);
  batches.perturbed.inputs = PerturbedInputs(batch, random);
  if (kind_ == NetworkKind::kDenoiser) AddNoise(random, &batches.perturbed);
  return batches;
}

// Eq 1 at times drawn from all of the schedule's.
void BatchMaker::AddNoise(const at::Generator& random, BatchRows* rows) const {
  rows->t = torch::randint(0, alpha_bar_.size(0), {rows->size()}, random,
                           torch::TensorOptions(torch::kInt64));
  const Tensor abar = alpha_bar_.index_select(0, rows->t).unsqueeze(1);
  const Tensor noise = torch::randn(rows->x_0.sizes(), random, rows->x_0.options());
  rows->x_t = abar.sqrt() * rows->x_0 + (1 - abar).sqrt() * noise;
}

Network::Inputs BatchMaker::PerturbedInputs(const Batch& batch, const at::Generator& random) const {
  Network::Inputs inputs = InputsOf(data_, batch.perturbed_cells);
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
  return inputs;
}

}  // namespace unlasting::trainer
