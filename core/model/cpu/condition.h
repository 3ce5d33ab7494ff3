// ConditionTerms computes what a condition vector (core/model/torch/source_condition.cc) adds to
// the first layers of Block and Decoder. It depends on the perturbation and the cell type alone, so
// that Priors keeps it with the expected response and a step costs nothing more.
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "core/model/cpu/matrix.h"
#include "core/model/spec/config.h"

namespace unlasting::model::cpu {

// Immutable; any thread. N genes, K the vector's width, H the padded width of the hidden layers.
template <typename T>
class ConditionTerms {
 public:
  ConditionTerms() = default;
  // Contract: config.condition > 0, and `arrays` are a denoiser's.
  ConditionTerms(const ModelConfig& config, const NetworkWeights<T>& arrays);

  bool empty() const { return width_ == 0; }
  struct Terms {
    AlignedVector<T> block, decoder;  // [H]
  };
  // `response` [2 N]: expected change of the mean and of the log variance; `variance` [N]: of the
  // type's control cells; `molecule` [Ds], or empty.
  Terms Compute(const AlignedVector<T>& response, const AlignedVector<T>& variance,
                absl::Span<const int32_t> knockout, absl::Span<const T> molecule) const;

 private:
  int64_t width_ = 0;
  int64_t hidden_ = 0, hidden_stride_ = 0;
  AlignedVector<T> response_;               // [2 N, K]
  AlignedVector<T> gene_;                   // [N', K]
  AlignedVector<T> molecule_;               // [Ds, K]
  AlignedVector<T> to_block_, to_decoder_;  // [K, hidden]
};

}  // namespace unlasting::model::cpu
