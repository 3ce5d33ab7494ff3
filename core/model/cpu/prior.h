// prior.h computes the values on which a row's Gaussian skip is centred, or from which its mask
// logits start: the mean of the cell type's control cells plus, for perturbed rows, the expected
// response (core/model/torch/expected_response.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "core/base/lru_map.h"
#include "core/model/cpu/condition.h"
#include "core/model/cpu/matrix.h"
#include "core/model/cpu/node_inputs.h"
#include "core/model/spec/config.h"
#include "core/model/spec/new_context.h"

namespace unlasting::model::cpu {

template <typename T>
struct Prior {
  AlignedVector<T> mean, variance;  // [N]
  AlignedVector<T> deviation;       // [N], of cell types alone
  AlignedVector<T> logit;           // [N], mask models
  // Of perturbed cells, in denoisers: the expected change of their mean where `mean` does not hold
  // it and the network alone moves them, else empty, [N], and what their condition vector adds to
  // the hidden layers, empty without one.
  AlignedVector<T> change;
  AlignedVector<T> met_change;  // to which the mean is brought instead of `change`, if not empty
  typename ConditionTerms<T>::Terms condition;
  int32_t cell_embedding_row = 0;  // row of the cell type embeddings
};

// One call at a time.
template <typename T>
class Priors {
 public:
  // Most responses that are kept; those in use live on besides.
  static constexpr size_t kMaxKept = 1024;

  Priors(bool denoiser, const ModelConfig& config, const NetworkWeights<T>& arrays);

  // Of control cells.
  const std::shared_ptr<const Prior<T>>& OfType(int32_t cell_type) const {
    return types_[cell_type];
  }
  // Of perturbed cells; `molecule` may be null. Without `response` the same as OfType.
  std::shared_ptr<const Prior<T>> OfPerturbed(int32_t cell_type, absl::Span<const int32_t> knockout,
                                              const Molecule<T>* molecule);
  // Whether the network alone moves these cells (ModelConfig::trained_from_control).
  bool FromControl(int32_t cell_type, absl::Span<const int32_t> knockout,
                   const Molecule<T>* molecule) {
    return !OfPerturbed(cell_type, knockout, molecule)->change.empty();
  }
  // What the mean of perturbed cells adds to that of their type's control cells, [N]; of denoisers.
  std::vector<T> MeanChange(int32_t cell_type, absl::Span<const int32_t> knockout,
                            const Molecule<T>* molecule);
  // The same of cells of a type that training never saw; a null `query.knockout` and molecule are
  // its control cells. Needs expected responses.
  struct NewQuery {
    const NewContext* context = nullptr;
    const std::vector<int32_t>* measured =
        nullptr;  // cell types in which the response was measured
    absl::Span<const int32_t> knockout;
    const Molecule<T>* molecule = nullptr;
  };
  std::shared_ptr<const Prior<T>> OfNewContext(const NewQuery& query);
  std::vector<T> MeanChangeIn(const NewQuery& query);

 private:
  std::shared_ptr<const Prior<T>> ControlsOf(const NewContext& context);
  struct Weights {
    std::vector<T> entries;  // [E]
    bool known = false;
  };
  // Adds what genes that training never perturbed reach along the network to `response` [columns].
  void AddPropagated(int32_t cell_type, absl::Span<const int32_t> knockout,
                     AlignedVector<T>* response) const;
  Weights WeightsOf(absl::Span<const int32_t> knockout, const Molecule<T>* molecule) const;
  // The mixture by `weights` [E] of a cell type's rows of a table that is a product, [columns].
  AlignedVector<T> Mix(const std::vector<T>& weights, int32_t cell_type,
                       const AlignedVector<T>& coefficients, const AlignedVector<T>& basis,
                       int64_t columns) const;
  std::shared_ptr<const Prior<T>> Compute(int32_t cell_type, absl::Span<const int32_t> knockout,
                                          const Molecule<T>* molecule) const;

  bool denoiser_;
  ModelConfig config_;
  std::vector<std::shared_ptr<const Prior<T>>> types_;
  int64_t genes_ = 0, drugs_ = 0, entries_ = 0;
  std::vector<int32_t> entry_of_node_;  // [N'], -1 for genes that training never perturbed
  std::vector<int64_t> drug_;           // by drug entry
  AlignedVector<T> dose_, coefficients_, basis_, drug_features_;
  AlignedVector<T> met_coefficients_, met_basis_;  // empty: the table's own
  ConditionTerms<T> condition_;
  // Of GrnResponse; empty without one.
  AlignedVector<T> self_effect_, edges_, gain_;
  T damping_ = 0;
  std::vector<int64_t> edge_indptr_;
  std::vector<int32_t> edge_source_;

  LruMap<std::string, std::shared_ptr<const Prior<T>>> kept_;
};

}  // namespace unlasting::model::cpu
