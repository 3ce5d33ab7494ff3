#include "core/model/cpu/condition.h"

#include <algorithm>
#include <cmath>

#include "core/model/spec/expected_response.h"

namespace unlasting::model::cpu {
namespace {

// out += weight row, [width].
template <typename T>
void AddRow(T weight, const T* row, int64_t width, T* out) {
  for (int64_t k = 0; k < width; ++k) out[k] += weight * row[k];
}

}  // namespace

template <typename T>
ConditionTerms<T>::ConditionTerms(const ModelConfig& config, const NetworkWeights<T>& arrays)
    : width_(config.condition),
      hidden_(config.hidden),
      hidden_stride_(Padded(config.hidden)),
      response_(arrays.at("condition_response")),
      gene_(arrays.at("condition_gene")),
      to_block_(arrays.at("block_condition")),
      to_decoder_(arrays.at("decoder_condition")) {
  if (config.molecule_features > 0) molecule_ = arrays.at("condition_molecule");
}

template <typename T>
typename ConditionTerms<T>::Terms ConditionTerms<T>::Compute(const AlignedVector<T>& response,
                                                             const AlignedVector<T>& variance,
                                                             absl::Span<const int32_t> knockout,
                                                             absl::Span<const T> molecule) const {
  const auto genes = static_cast<int64_t>(variance.size());
  const auto bound = static_cast<T>(kResponseLogVariance);
  AlignedVector<T> condition(width_, T{0});
  for (int64_t g = 0; g < genes; ++g) {
    AddRow(response[g] / std::sqrt(variance[g]), response_.data() + g * width_, width_,
           condition.data());
    AddRow(std::clamp(response[genes + g], -bound, bound), response_.data() + (genes + g) * width_,
           width_, condition.data());
  }
  for (const int32_t node : knockout) {
    AddRow(T{1}, gene_.data() + node * width_, width_, condition.data());
  }
  for (size_t k = 0; k < molecule.size(); ++k) {
    if (molecule[k] == T{0}) continue;
    AddRow(molecule[k], molecule_.data() + static_cast<int64_t>(k) * width_, width_,
           condition.data());
  }
  Terms terms;
  terms.block.assign(hidden_stride_, T{0});
  terms.decoder.assign(hidden_stride_, T{0});
  for (int64_t k = 0; k < width_; ++k) {
    AddRow(condition[k], to_block_.data() + k * hidden_, hidden_, terms.block.data());
    AddRow(condition[k], to_decoder_.data() + k * hidden_, hidden_, terms.decoder.data());
  }
  return terms;
}

template class ConditionTerms<float>;
template class ConditionTerms<double>;

}  // namespace unlasting::model::cpu
