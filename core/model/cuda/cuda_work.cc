// cuda_work.cc enqueues what a captured graph of CudaNetwork holds: the kernels and products of one
// batch, in order.
#include <algorithm>

#include "core/model/cuda/cuda_network.h"
#include "core/model/cuda/launch.h"

namespace unlasting::model::cuda {

// Takes one chunk's rows through the GRN block, into gene_readout_. Long because it lists the
// launches of all layers in their order.
void CudaNetwork::EnqueueGrn(int64_t first, int64_t rows) {
  const auto* described = reinterpret_cast<const DeviceRow*>(rows_.data());
  const cudaStream_t stream = context_->stream();
  const bool bfloat16 = precision_ == Precision::kBf16;
  const size_t layers = weights_.layers.size();
  // Where the embeddings go that `made` layers have been through.
  const auto next = [&](size_t made) {
    Next to;
    if (made == layers) {
      to.readout_weight = weights_.readout_weight.data();
      to.readout_bias = weights_.readout_bias.data();
      to.gene_readout = gene_readout_.data() + first * weights_.nodes_stride;
      to.gene_readout_stride = weights_.nodes_stride;
      return to;
    }
    to.normalised = normalised_.data();
    if (config_.residual) {
      to.hidden = hidden_.data();
      to.norm_weight = weights_.layers[made].norm_weight.data();
      to.norm_bias = weights_.layers[made].norm_bias.data();
    }
    return to;
  };
  NodeInputsArguments inputs;
  inputs.rows = described + first;
  inputs.knockout = reinterpret_cast<const int32_t*>(described + kMaxRows);
  if (cell_in_grn_) inputs.state = state_.data() + first * weights_.genes_stride;
  inputs.state_stride = weights_.genes_stride;
  inputs.control_input = config_.control_input;
  inputs.skip = skip_;
  inputs.psi_control = weights_.psi_control.view;
  inputs.psi_x = weights_.psi_x.view;
  inputs.genes = static_cast<int32_t>(config_.genes);
  inputs.nodes = static_cast<int32_t>(config_.nodes);
  inputs.dim = static_cast<int32_t>(weights_.dim);
  inputs.true_dim = static_cast<int32_t>(config_.dim);
  inputs.bfloat16 = bfloat16;
  inputs.next = next(0);
  LaunchNodeInputs(inputs, rows, stream);

  const int64_t dim = weights_.dim, wide = 2 * config_.heads * dim;
  const auto maps = [&](auto type, const auto& weight) {
    using F = decltype(type);
    Product<F> product;
    product.a = reinterpret_cast<const F*>(normalised_.data());
    product.b = weight.data();
    product.c = reinterpret_cast<F*>(features_.data());
    product.a_stride = product.depth = dim;
    product.b_stride = product.c_stride = product.columns = wide;
    product.rows = rows * config_.nodes;
    return product;
  };
  for (size_t l = 0; l < layers; ++l) {
    const LayerWeights& layer = weights_.layers[l];
    if (bfloat16) {
      gemm_.Multiply(maps(BFloat16{}, layer.maps_rounded));
    } else {
      gemm_.Multiply(maps(float{}, layer.maps), precision_ == Precision::kTf32);
    }
    AttendArguments attend;
    attend.indptr = weights_.indptr.data();
    attend.sources = weights_.sources.data();
    attend.features = features_.data();
    attend.right_bias = layer.right_bias.data();
    attend.attention_left = layer.attention_left.data();
    attend.attention_scaled = layer.attention_scaled.data();
    attend.bias = layer.bias.data();
    attend.bias_with_edges = layer.bias_with_edges.data();
    if (config_.residual) attend.residual = hidden_.data();
    attend.nodes = inputs.nodes;
    attend.heads = static_cast<int32_t>(config_.heads);
    attend.dim = inputs.dim;
    attend.true_dim = inputs.true_dim;
    attend.bfloat16 = bfloat16;
    attend.next = next(l + 1);
    LaunchAttend(attend, rows, stream);
  }
}

void CudaNetwork::EnqueuePerceptron(const PerceptronWeights& weights, const float* x,
                                    int64_t stride, int64_t rows, bool accumulate, float* out,
                                    int64_t out_stride) {
  const auto* described = reinterpret_cast<const DeviceRow*>(rows_.data());
  const bool tf32 = precision_ != Precision::kFloat32;
  const auto multiply = [&](const float* a, int64_t a_stride, const DeviceArray<float>& b,
                            int64_t columns, bool add, float* c, int64_t c_stride) {
    Product<float> product;
    product.a = a;
    product.b = b.data();
    product.c = c;
    product.a_stride = product.depth = a_stride;
    product.b_stride = product.columns = columns;
    product.c_stride = c_stride;
    product.rows = rows;
    product.accumulate = add;
    gemm_.Multiply(product, tf32);
  };
  ActivateArguments activate;
  activate.rows = described;
  activate.width = static_cast<int32_t>(weights.hidden);
  multiply(x, stride, weights.in, weights.hidden, false, first_.data(), weights.hidden);
  activate.h = first_.data();
  activate.cell = weights.cell.data();
  activate.time = weights.time.data();
  activate.condition =
      &weights == &weights_.block ? ActivateArguments::kBlock : ActivateArguments::kDecoder;
  LaunchActivate(activate, rows, context_->stream());
  multiply(first_.data(), weights.hidden, weights.mid, weights.hidden, false, second_.data(),
           weights.hidden);
  activate.h = second_.data();
  activate.cell = activate.time = nullptr;
  activate.condition = ActivateArguments::kNone;
  activate.bias = weights.mid_bias.data();
  LaunchActivate(activate, rows, context_->stream());
  multiply(second_.data(), weights.hidden, weights.out, weights_.genes_stride, accumulate, out,
           out_stride);
}

// From gene-wise values to the rows' next x.
void CudaNetwork::EnqueueDense(int64_t rows) {
  if (denoiser_) {
    EnqueuePerceptron(weights_.block, state_.data(), weights_.genes_stride, rows,
                      /*accumulate=*/true, gene_readout_.data(), weights_.nodes_stride);
  }
  FinishArguments finish;
  if (weights_.decoder.hidden > 0) {
    EnqueuePerceptron(weights_.decoder, gene_readout_.data(), weights_.nodes_stride, rows,
                      /*accumulate=*/false, network_output_.data(), weights_.genes_stride);
    finish.network_output = network_output_.data();
    finish.network_output_stride = weights_.genes_stride;
    finish.network_output_bias = weights_.decoder.out_bias.data();
  }
  finish.rows = reinterpret_cast<const DeviceRow*>(rows_.data());
  finish.gene_readout = gene_readout_.data();
  finish.gene_readout_stride = weights_.nodes_stride;
  finish.mask = !denoiser_;
  finish.control_residual = denoiser_ && config_.control_residual;
  finish.skip = skip_;
  finish.skip.on = denoiser_ && preconditioned_;
  finish.genes = static_cast<int32_t>(config_.genes);
  LaunchFinish(finish, rows, context_->stream());
}

void CudaNetwork::Enqueue(int64_t rows, Kind kind) {
  const auto* described = reinterpret_cast<const DeviceRow*>(rows_.data());
  const cudaStream_t stream = context_->stream();
  if (denoiser_) {
    LaunchStandardise(described, skip_, config_.genes, weights_.genes_stride, state_.data(), rows,
                      stream);
  }
  const auto gene_readout = [&](bool keep) {
    LaunchGeneReadout(described, config_.nodes, weights_.nodes_stride, keep, gene_readout_.data(),
                      rows, stream);
  };
  if (kind == kDense) {
    gene_readout(/*keep=*/false);
  } else {
    const int64_t chunk = std::min(chunk_, rows);
    for (int64_t first = 0; first < rows; first += chunk) EnqueueGrn(first, chunk);
    if (denoiser_ && !cell_in_grn_) gene_readout(/*keep=*/true);
  }
  EnqueueDense(rows);
}

}  // namespace unlasting::model::cuda
