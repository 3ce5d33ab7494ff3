#include "core/model/cuda/cuda_network.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace unlasting::model::cuda {
namespace {

// Uploads under way at once; more wait for the device.
constexpr int kUploads = 4;
// What the GRN block's buffers may take: more than the second-level cache holds, since fewer
// launches save more time than features cost that come from memory (docs/benchmarks.md).
constexpr int64_t kChunkBytes = int64_t{160} << 20;
constexpr int64_t kNoTime = -1;

int64_t Bucket(int64_t rows) {
  int64_t bucket = 1;
  while (bucket < rows) bucket *= 2;
  return bucket;
}

}  // namespace

CudaNetwork::CudaNetwork(bool denoiser, const ModelConfig& config,
                         const NetworkWeights<float>& arrays, std::shared_ptr<Context> context,
                         const CudaOptions& options)
    : denoiser_(denoiser),
      config_(config),
      preconditioned_(!denoiser || config.recipe == "preconditioned"),
      cell_in_grn_(denoiser && config.grn_inputs == "paper"),
      precision_(options.precision),
      context_((context->Use(), std::move(context))),
      weights_(denoiser, config, arrays, options.precision),
      priors_(denoiser, config, arrays, weights_),
      bases_(config, arrays, weights_.dim, options.base_bytes),
      gemm_(*context_),
      graphs_(*context_),
      knockouts_(std::max<int64_t>(2 * config.nodes, 16 * kMaxRows)),
      rows_(kMaxRows * sizeof(DeviceRow) + knockouts_ * sizeof(int32_t)),
      uploads_(kUploads),
      run_pool_(NewPool()) {
  run_cells_ = run_pool_->Row(kMaxRows + 1);
  for (Upload& upload : uploads_) upload.pinned = PinnedArray<char>(rows_.size());
  const int64_t dim = weights_.dim, heads = config.heads;
  const int64_t feature = precision_ == Precision::kBf16 ? sizeof(BFloat16) : sizeof(float);
  const int64_t cell_bytes =
      config.nodes * dim * (static_cast<int64_t>(sizeof(float)) + feature + 2 * heads * feature);
  chunk_ = 1;
  while (2 * chunk_ <= kMaxRows && 2 * chunk_ * cell_bytes <= kChunkBytes) chunk_ *= 2;
  const int64_t hidden = std::max(weights_.block.hidden, weights_.decoder.hidden);
  state_ = DeviceArray<float>(kMaxRows * weights_.genes_stride);
  gene_readout_ = DeviceArray<float>(kMaxRows * weights_.nodes_stride);
  network_output_ = DeviceArray<float>(kMaxRows * weights_.genes_stride);
  first_ = DeviceArray<float>(kMaxRows * hidden);
  second_ = DeviceArray<float>(kMaxRows * hidden);
  hidden_ = DeviceArray<float>(chunk_ * config.nodes * dim);
  normalised_ = DeviceArray<char>(chunk_ * config.nodes * dim * feature);
  features_ = DeviceArray<char>(chunk_ * config.nodes * 2 * heads * dim * feature);
  no_base_ = DeviceArray<float>((config.nodes + 1) * dim);
  skip_ = {preconditioned_, weights_.alpha_bar.data(), weights_.prior_mean.data(),
           weights_.prior_variance.data()};
}

std::unique_ptr<CellPool> CudaNetwork::NewPool() const {
  return std::make_unique<CellPool>(context_, config_.genes, weights_.genes_stride,
                                    weights_.nodes_stride);
}

DevicePrior CudaNetwork::PriorOf(const CellStep& step) {
  if (step.context != nullptr) {
    cpu::Priors<float>::NewQuery query;
    query.context = step.context;
    query.measured = step.measured;
    if (step.cell->has_control) {
      query.knockout = step.knockout;
      query.molecule = step.molecule;
    }
    return priors_.OfNewContext(query);
  }
  return step.cell->has_control ? priors_.OfPerturbed(step.cell_type, step.knockout, step.molecule)
                                : priors_.OfType(step.cell_type);
}

std::vector<float> CudaNetwork::ControlOf(const NewContext& context, const float* control) {
  const AlignedVector<float>& mean = priors_.host().OfType(context.nearest)->mean;
  std::vector<float> moved(mean.size());
  for (size_t g = 0; g < moved.size(); ++g) moved[g] = control[g] - (context.mean[g] - mean[g]);
  return moved;
}

DeviceRow CudaNetwork::Describe(const CellStep& step) {
  DeviceRow row;
  row.x = step.cell->x;
  row.previous_x0 = step.cell->previous_x0;
  row.control = step.cell->has_control ? step.cell->control : nullptr;
  row.gene_readout = step.cell->gene_readout;
  row.x_coefficient = step.x_coefficient;
  row.x0_coefficient = step.x0_coefficient;
  row.previous_coefficient = step.previous_coefficient;
  row.noise_coefficient = step.noise_coefficient;
  row.noise_key = step.noise_key;
  row.time = step.time;
  row.cell_type = step.cell_type;
  const DevicePrior prior = PriorOf(step);
  row.mean = prior.mean;
  row.variance = prior.variance;
  row.logit = prior.logit;
  row.block_condition = prior.block_condition;
  row.decoder_condition = prior.decoder_condition;
  row.cell_embedding_row = prior.cell_embedding_row;
  return row;
}

void CudaNetwork::SendRows(int64_t rows, const DeviceRow* described,
                           const std::vector<int32_t>& knockout) {
  Upload& upload = uploads_[next_upload_++ % kUploads];
  upload.passed.Wait();
  const size_t row_bytes = kMaxRows * sizeof(DeviceRow);
  const size_t bytes = row_bytes + knockout.size() * sizeof(int32_t);
  std::memcpy(upload.pinned.data(), described, rows * sizeof(DeviceRow));
  if (!knockout.empty()) {
    std::memcpy(upload.pinned.data() + row_bytes, knockout.data(),
                knockout.size() * sizeof(int32_t));
  }
  Check(cudaMemcpyAsync(rows_.data(), upload.pinned.data(), bytes, cudaMemcpyHostToDevice,
                        context_->stream()),
        "upload");
  upload.passed.Record(context_->stream());
}

void CudaNetwork::StepBatch(absl::Span<const CellStep> steps, Kind kind) {
  const int64_t rows = Bucket(static_cast<int64_t>(steps.size()));
  CellStep nothing;
  nothing.cell = &run_cells_.back();
  nothing.x0_coefficient = 0;  // its x stays 0
  DeviceRow filling = Describe(nothing);
  filling.base = no_base_.data();
  std::vector<DeviceRow> described(rows, filling);
  std::vector<int32_t> knockout;
  const int64_t graph = rows * 2 + kind;
  if (!graphs_.Has(graph)) {
    SendRows(rows, described.data(), knockout);
    graphs_.Capture(graph, [&] { Enqueue(rows, kind); });
  }
  bases_.BeginBatch();
  for (size_t k = 0; k < steps.size(); ++k) {
    const CellStep& step = steps[k];
    DeviceRow& row = described[k] = Describe(step);
    row.knockout_begin = static_cast<int32_t>(knockout.size());
    knockout.insert(knockout.end(), step.knockout.begin(), step.knockout.end());
    row.knockout_end = static_cast<int32_t>(knockout.size());
    row.base = filling.base;
    if (kind == kDense) continue;
    const float* bias =
        cell_in_grn_ ? weights_.time_bias.data() + step.time * cpu::Padded(config_.dim) : nullptr;
    row.base = bases_.Base(cell_in_grn_ ? step.time : kNoTime, bias, row.cell_embedding_row,
                           step.molecule, gemm_, context_->stream());
    step.cell->has_gene_readout = denoiser_ && !cell_in_grn_;
  }
  SendRows(rows, described.data(), knockout);
  graphs_.Launch(graph);
}

// How many of the first steps make one batch.
size_t CudaNetwork::Fitting(absl::Span<const CellStep> steps) const {
  int64_t knockouts = 0;
  size_t count = 0;
  for (; count < steps.size() && count < kMaxRows; ++count) {
    knockouts += static_cast<int64_t>(steps[count].knockout.size());
    if (knockouts > knockouts_) break;
  }
  if (count == 0) throw std::runtime_error("cuda: a row knocks out more nodes than there are");
  return count;
}

void CudaNetwork::Step(absl::Span<const CellStep> steps) {
  context_->Use();
  std::vector<CellStep> of_kind[2];
  for (const CellStep& step : steps) {
    of_kind[step.cell->has_gene_readout ? kDense : kWhole].push_back(step);
  }
  for (const Kind kind : {kWhole, kDense}) {
    auto left = absl::MakeConstSpan(of_kind[kind]);
    while (!left.empty()) {
      const size_t count = Fitting(left);
      StepBatch(left.first(count), kind);
      left.remove_prefix(count);
    }
  }
}

void CudaNetwork::Run(absl::Span<const cpu::NetworkRow<float>> rows) {
  context_->Use();
  const std::vector<float> no_x(config_.genes);  // mask models have none
  for (size_t first = 0; first < rows.size(); first += kMaxRows) {
    const auto batch = rows.subspan(first, kMaxRows);
    std::vector<CellStep> steps;
    std::vector<const Cell*> cells;
    std::vector<float*> out;
    for (size_t k = 0; k < batch.size(); ++k) {
      const auto& row = batch[k];
      const float* control = row.control;
      std::vector<float> moved;
      if (row.context != nullptr && control != nullptr) {
        moved = ControlOf(*row.context, control);
        control = moved.data();
      }
      run_pool_->Put(row.x_t == nullptr ? no_x.data() : row.x_t, control, &run_cells_[k]);
      CellStep step;
      step.cell = &run_cells_[k];
      step.time = row.time;
      step.cell_type = row.cell_type;
      step.context = row.context;
      step.measured = row.measured;
      step.knockout = row.knockout;
      step.molecule = row.molecule;
      steps.push_back(step);
      cells.push_back(&run_cells_[k]);
      out.push_back(row.out);
    }
    Step(steps);
    run_pool_->Take(cells, out);
  }
}

}  // namespace unlasting::model::cuda
