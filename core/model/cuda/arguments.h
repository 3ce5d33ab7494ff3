// arguments.h declares the arguments of the kernels: plain data with device pointers, shared by
// host and device code.
//
// R rows, N genes, N' nodes, D the embedding's width on the device (DeviceDim), H heads. Padding is
// zero everywhere and stays zero.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#if defined(__CUDACC__)
#define UNLASTING_HOST_DEVICE __host__ __device__
// Registers are to suffice for so many blocks of so many threads on a multiprocessor.
#define UNLASTING_BLOCKS(threads, blocks) __launch_bounds__(threads, blocks)
#else
#define UNLASTING_HOST_DEVICE
#define UNLASTING_BLOCKS(threads, blocks)
#endif

namespace unlasting::model::cuda {

enum class Precision {
  kFloat32,  // float32 throughout: for comparing
  kTf32,     // products through TF32
  kBf16,     // as kTf32; features of the GRN layers are bfloat16, summed in float32
};

// float32, tf32 or bf16; nullopt for another name.
inline std::optional<Precision> PrecisionOf(std::string_view name) {
  if (name == "float32") return Precision::kFloat32;
  if (name == "tf32") return Precision::kTf32;
  if (name == "bf16") return Precision::kBf16;
  return std::nullopt;
}

struct BFloat16 {
  uint16_t bits;
};

// Widest embedding that the kernels take.
constexpr int64_t kLargestDim = 512;

// A node's embedding lies in the registers of a group of lanes, four numbers a lane and more if
// 32 lanes are not enough: widths are powers of two.
UNLASTING_HOST_DEVICE inline int64_t DeviceDim(int64_t dim) {
  int64_t width = 16;
  while (width < dim) width *= 2;
  return width;
}

// One row of a batch. An array of these is uploaded before each step, so that rows of any kind,
// time and place share one captured graph.
struct DeviceRow {
  float* x = nullptr;              // [N]; the step moves it
  float* previous_x0 = nullptr;    // [N]; the step before's x0, replaced by this one's
  const float* control = nullptr;  // [N]; null for the source model
  float* gene_readout = nullptr;   // [N']: kept along a path where GRN inputs are `static`
  const float* base = nullptr;     // [N' + 1, D]: node inputs without the cell; then without gene
  // x <- x_coefficient x + x0_coefficient x0 + previous_coefficient previous_x0
  double x_coefficient = 0;
  double x0_coefficient = 1;
  double previous_coefficient = 0;
  double noise_coefficient = 0;  // of standard normal noise, added where above 0
  uint64_t noise_key = 0;        // of the row's step (core/base/counter_rng.h)
  // What the skip is centred on and mask logits start from, [N] each (device_priors.h).
  const float* mean = nullptr;
  const float* variance = nullptr;
  const float* logit = nullptr;
  // What the condition vector adds to the first layers of Block and Decoder, [hidden]; may be null.
  const float* block_condition = nullptr;
  const float* decoder_condition = nullptr;
  int32_t time = 0;
  int32_t cell_type = 0;
  int32_t cell_embedding_row = 0;  // row of the cell type embeddings
  int32_t knockout_begin = 0;      // into the batch's list of nodes
  int32_t knockout_end = 0;
};

// A vector of the embedding's width that is passed as a kernel's argument.
struct SmallRow {
  float values[kLargestDim];
};

struct Psi {
  int32_t rows = 0;  // of the table; 0 where there is none
  float low = 0;
  float inverse_step = 0;
  const float* table = nullptr;  // [rows][value, slope][D]
  const float* in = nullptr;     // [D]
  const float* bias = nullptr;
  const float* out = nullptr;  // [D, D]
  const float* out_bias = nullptr;
};

// The Gaussian skip (core/model/torch/source.cc).
struct Skip {
  bool on = false;
  const float* alpha_bar = nullptr;  // [times]
  const float* mean = nullptr;       // [cell types, N]: of controls, which are standardised by them
  const float* variance = nullptr;   // [cell types, N]
};

// Where a node's embedding goes once a layer has made it.
struct Next {
  float* hidden = nullptr;     // [R, N', D]: kept for the next layer to add to; may be null
  void* normalised = nullptr;  // [R, N', D], features: input of the next layer's maps; null: none
  const float* norm_weight = nullptr;  // [D]; null: not normalised
  const float* norm_bias = nullptr;
  const float* readout_weight = nullptr;  // [N', D]: set behind the last layer
  const float* readout_bias = nullptr;    // [N']
  float* gene_readout = nullptr;          // [R, gene_readout_stride]
  int64_t gene_readout_stride = 0;
};

struct NodeInputsArguments {
  const DeviceRow* rows = nullptr;
  const int32_t* knockout = nullptr;
  const float* state = nullptr;  // [R, state_stride]; null where x_t does not enter
  int64_t state_stride = 0;
  bool control_input = false;
  Skip skip;  // `on`: controls are standardised
  Psi psi_control, psi_x;
  int32_t genes = 0;
  int32_t nodes = 0;
  int32_t dim = 0;        // D
  int32_t true_dim = 0;   // without padding
  bool bfloat16 = false;  // of features
  Next next;
};

// GATv2 (eq 11). Features carry no bias: the left's cancels in the softmax but for where it is
// compared and averaged, so it lies in `right_bias` and `bias_with_edges`.
struct AttendArguments {
  const int32_t* indptr = nullptr;          // [N' + 1], by target
  const int32_t* sources = nullptr;         // [edges]
  const void* features = nullptr;           // [R, N', 2, H, D]: left, then right
  const float* right_bias = nullptr;        // [H, D]: left's and right's
  const float* attention_left = nullptr;    // [H, D]: 0.2 a log2(e)
  const float* attention_scaled = nullptr;  // [H, D]: 0.8 a log2(e)
  const float* bias = nullptr;              // [D]: of nodes without sources
  const float* bias_with_edges = nullptr;   // [D]: that and the heads' mean left bias
  const float* residual = nullptr;          // [R, N', D]; may be null; may be next.hidden
  int32_t nodes = 0;
  int32_t heads = 0;
  int32_t dim = 0;
  int32_t true_dim = 0;
  bool bfloat16 = false;
  Next next;
};

// h <- silu(h + terms), h [R, width].
struct ActivateArguments {
  // Which of a row's condition terms is added.
  enum Condition : int32_t { kNone, kBlock, kDecoder };
  const DeviceRow* rows = nullptr;
  float* h = nullptr;
  int32_t width = 0;
  const float* bias = nullptr;  // [width]; may be null, as may the two below
  const float* cell = nullptr;  // [cell states, width]
  const float* time = nullptr;  // [times, width]
  Condition condition = kNone;
};

// From the network's network_output to x0 or logits, and the solver's update (eq 14).
struct FinishArguments {
  const DeviceRow* rows = nullptr;
  const float* network_output = nullptr;  // [R, network_output_stride]; null: no Decoder
  int64_t network_output_stride = 0;
  const float* network_output_bias = nullptr;  // [N]; with `network_output`
  const float* gene_readout = nullptr;         // [R, gene_readout_stride]: mask models only
  int64_t gene_readout_stride = 0;
  bool mask = false;  // a mask model: gene-wise values and logits are added
  bool control_residual = false;
  Skip skip;
  int32_t genes = 0;
};

}  // namespace unlasting::model::cuda
