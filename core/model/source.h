// The networks, written once as TorchScript source. The same text trains, exports and serves; only
// `attend` differs: plain tensor operations in exported files, the fused operator in our processes.
#pragma once

#include <string>

namespace unlasting::model {

// Methods of the denoiser (source and target models: one set of weights).
std::string DenoiserSource();
// Methods of the mask model (Appendix A); with a dense head it has a Decoder too.
std::string MaskSource(bool dense_head);

// GATv2 aggregation over the network, plain and fused: attend(left, right, attention) -> [B, N',
// D].
std::string PlainAttendSource();
std::string FusedAttendSource();

// `forward` of the exported files; signatures in docs/bundle.md.
std::string SourceForward();
std::string TargetForward(bool molecules);
std::string MaskForward(bool molecules);

}  // namespace unlasting::model
