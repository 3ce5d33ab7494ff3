// This header gives the text of the networks, which are written once, as TorchScript source. The
// same text trains, exports and serves; only the node-wise layers differ: plain tensor operations
// in exported files, operators in our processes.
#pragma once

#include <string>

namespace unlasting::model {

// Methods of the denoiser (source and target models: one set of weights).
std::string DenoiserSource(bool expected_response, bool condition);
// Methods of the mask model (Appendix A); with a dense head it has a Decoder too.
std::string MaskSource(bool dense_head, bool expected_response);
// Of denoisers with a condition vector: condition_vector (source_condition.cc).
std::string ConditionSource();
// Of both, with `expected_response`: the expected response (core/model/torch/expected_response.h).
std::string ExpectedResponseSource();

enum class Attention {
  kPlain,     // tensor operations that any LibTorch has
  kOperator,  // unlasting::gatv2 among them: wherever that operator runs
  kFused,     // unlasting::phi, add_psi and grn_layer: CPU
};
// What activations are multiplied with weights in. The expected response, the skip behind which a
// network stands, and its loss are float32's in either; so are the fused layers over nodes.
enum class Products {
  kFloat32,
  kBf16,  // factors rounded to bfloat16, sums in float32, the product rounded to bfloat16
};
// product; phi, add_psi and grn_layer, over nodes: [B, N', D].
std::string LayersSource(Attention attention, Products products);

// `forward` of the exported files; signatures in docs/bundle.md.
std::string SourceForward();
std::string TargetForward(bool molecules);
std::string MaskForward(bool molecules);

}  // namespace unlasting::model
