// node_inputs.h computes the part of the node inputs that does not depend on the cell (eq 7-10):
// Phi(g_i, t, c), fused with the drug's part where there is one. It is computed once per (time,
// cell type, drug, dose) and kept.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "absl/types/span.h"
#include "core/base/lru_map.h"
#include "core/model/cpu/matrix.h"
#include "core/model/cpu/thread_team.h"
#include "core/model/spec/config.h"

namespace unlasting::model::cpu {

template <typename T>
struct Molecule {
  absl::Span<const T> features;  // [Ds]
  T log10_dose_um = 0;
  std::string key;  // not empty; equal for equal features and dose
};

// Node inputs without the cell: rows of knocked-out genes are replaced by `knocked_out`.
template <typename T>
struct NodeBase {
  AlignedVector<T> nodes;        // [N', padded dim]
  AlignedVector<T> knocked_out;  // [padded dim]: what a node without its gene embedding has
};

template <typename T>
class NodeInputs {
 public:
  // Most bytes of bases that are kept; those in use are kept besides.
  static constexpr int64_t kCacheBytes = int64_t{256} << 20;

  NodeInputs(const ModelConfig& config, const NetworkWeights<T>& arrays);

  // `time_bias` [padded dim] is the time's part of Phi's first layer, null where time does not
  // enter; `time` then only has to be the same each time. `molecule` may be null.
  std::shared_ptr<const NodeBase<T>> Base(int64_t time, const T* time_bias,
                                          int64_t cell_embedding_row, const Molecule<T>* molecule,
                                          ThreadTeam* team);

  // Its parts, for those who compute bases elsewhere. Gene embeddings behind Phi's first layer,
  // [N', padded dim]:
  const AlignedVector<T>& genes() const { return gene_; }
  // what cell type and time add to them before the activation, [padded dim];
  AlignedVector<T> Bias(int64_t cell_embedding_row, const T* time_bias) const;
  // and the drug's row of the fusing layer, its bias included, [padded dim].
  AlignedVector<T> DrugTerm(const Molecule<T>& molecule) const;
  // What the drug's change of a node's inputs is multiplied by, 0 to 1, [padded dim]; empty where
  // the dose has no gate.
  AlignedVector<T> Gate(const Molecule<T>& molecule) const;

 private:
  using Key = std::tuple<int64_t, int64_t, std::string>;  // time, cell state, molecule

  void Compute(const T* genes, int64_t rows, const T* bias, const T* drug, const T* gate,
               T* out) const;

  ModelConfig config_;
  int64_t dim_;            // padded
  AlignedVector<T> gene_;  // [N', dim]: gene embeddings through Phi's first layer
  AlignedVector<T> cell_;  // [cell states, dim], with Phi's bias
  PackedMatrix<T> phi_out_, drug_in_, drug_out_, fuse_gene_, fuse_drug_, fuse_out_;
  AlignedVector<T> phi_bias_, drug_dose_, drug_bias_, drug_out_bias_, fuse_bias_, fuse_out_bias_;
  AlignedVector<T> gate_bias_, gate_hill_;  // empty without a gate

  std::mutex mutex_;
  LruMap<Key, std::shared_ptr<const NodeBase<T>>> bases_;
};

}  // namespace unlasting::model::cpu
