// GrnBlock computes the GRN block of one cell: node inputs, message passing (eq 11) and gene
// read-out (eq 12). It makes no tensor of edges, and keeps node features in the caches as far as it
// can.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "core/model/cpu/matrix.h"
#include "core/model/cpu/node_inputs.h"
#include "core/model/cpu/psi.h"
#include "core/model/spec/config.h"

namespace unlasting::model::cpu {

// A thread's buffers; made once, reused by every cell.
template <typename T>
struct GrnScratch {
  AlignedVector<T> hidden;                       // [N', dim]
  AlignedVector<T> left, left_next;              // [N', heads, dim]
  AlignedVector<T> left_score, left_score_next;  // [N', heads]
  AlignedVector<T> tile_inputs, tile_right, scores;
  AlignedVector<T> dense_weights;  // [heads, tile, N']; empty where no tile is dense
  std::vector<int32_t> outside;
};

template <typename T>
class GrnBlock {
 public:
  GrnBlock(const ModelConfig& config, const NetworkWeights<T>& arrays);

  struct Inputs {
    const NodeBase<T>* base = nullptr;
    absl::Span<const int32_t> knockout;  // nodes
    const T* control = nullptr;          // [N], standardised; null for the source model
    const T* state = nullptr;            // [N], x_t standardised; null in `static` and for masks
  };
  // gene_readout [N'].
  void Run(const Inputs& inputs, GrnScratch<T>* scratch, T* gene_readout) const;

  GrnScratch<T> MakeScratch() const;

 private:
  struct Layer {
    PackedMatrix<T> left, right_negated;  // [dim] -> [heads * dim]
    AlignedVector<T> left_bias, right_bias_negated;
    AlignedVector<T> norm_weight, norm_bias;
    AlignedVector<T> attention_left, attention_scaled;  // 0.2 a, 0.8 a: [heads, dim]
    AlignedVector<T> bias;                              // [dim]
  };

  void FillInputs(const Inputs& inputs, int64_t first, int64_t rows, GrnScratch<T>* scratch) const;
  void MakeLeft(const Layer& layer, const T* hidden, int64_t first, int64_t rows,
                GrnScratch<T>* scratch, AlignedVector<T>* left, AlignedVector<T>* left_score) const;
  // The layer's view of a tile of nodes: normalised where there is a residual.
  const T* LayerInputs(const Layer& layer, const T* hidden, int64_t rows,
                       GrnScratch<T>* scratch) const;
  // Whether a tile has so many edges that its aggregation is faster as a dense product.
  bool Dense(int64_t first, int64_t rows) const;
  void AddDense(const Layer& layer, int64_t rows, GrnScratch<T>* scratch, T* hidden) const;
  void ReadOut(const T* hidden, int64_t first, int64_t rows, T* gene_readout) const;

  ModelConfig config_;
  int64_t dim_;  // padded
  std::vector<int64_t> indptr_;
  std::vector<int32_t> sources_;
  int64_t largest_degree_ = 0;
  Psi<T> psi_control_, psi_x_;
  std::vector<Layer> layers_;
  AlignedVector<T> readout_weight_;  // [N', dim]
  AlignedVector<T> readout_bias_;    // [N']
};

}  // namespace unlasting::model::cpu
