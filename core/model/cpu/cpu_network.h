// CpuNetwork evaluates a denoiser or mask model on the CPU from plain arrays. It has the weights
// and the mathematics of core/model/torch/source.cc, restructured so that what does not depend on
// the cell is computed once and nothing is allocated per evaluation. It needs no LibTorch.
//
// A row's result does not depend on the other rows of a call, to the bit.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "core/model/cpu/grn_block.h"
#include "core/model/cpu/matrix.h"
#include "core/model/cpu/node_inputs.h"
#include "core/model/cpu/perceptron.h"
#include "core/model/cpu/prior.h"
#include "core/model/cpu/thread_team.h"
#include "core/model/spec/config.h"

namespace unlasting::model::cpu {

// One cell of a call. All profiles are in model units (log1p / x_max), [N].
template <typename T>
struct NetworkRow {
  const T* x_t = nullptr;  // denoiser only
  int32_t time = 0;        // denoiser only
  int32_t cell_type = 0;
  // Of a cell type that training never saw; `cell_type` is then its nearest one. Null otherwise.
  const NewContext* context = nullptr;
  const std::vector<int32_t>* measured = nullptr;  // with a context, as Priors::NewQuery
  const T* control = nullptr;                      // null for the source model
  absl::Span<const int32_t> knockout;
  const Molecule<T>* molecule = nullptr;
  // [N']: with `static` GRN inputs the block's result does not change along a cell's trajectory.
  // Empty: filled by the first call. Others leave it alone; may be null.
  AlignedVector<T>* gene_readout = nullptr;
  T* out = nullptr;  // x0 of eq 6, or the mask's logits
};

// One call at a time.
template <typename T>
class CpuNetwork {
 public:
  // `denoiser`: else the mask model. `threads` >= 1.
  CpuNetwork(bool denoiser, const ModelConfig& config, const NetworkWeights<T>& arrays,
             int threads);

  void Run(absl::Span<const NetworkRow<T>> rows);

  const ModelConfig& config() const { return config_; }
  Priors<T>& priors() { return priors_; }

 private:
  // What depends on the time alone.
  struct TimeTerms {
    AlignedVector<T> phi, block, decoder;
  };
  const TimeTerms& TermsOf(int32_t time);
  void FindPriors(absl::Span<const NetworkRow<T>> rows);
  std::shared_ptr<const Prior<T>> PriorOf(const NetworkRow<T>& row);
  void Standardise(const NetworkRow<T>& row, const Prior<T>& prior, T* state) const;
  void Finish(const NetworkRow<T>& row, const Prior<T>& prior, const T* network_output) const;
  void StandardiseControl(const NetworkRow<T>& row, T* control) const;
  std::shared_ptr<const NodeBase<T>> BaseOf(const NetworkRow<T>& row, const Prior<T>& prior);
  // Where a row's gene-wise values are kept, if somewhere and whether they are there already.
  AlignedVector<T>* Kept(const NetworkRow<T>& row);
  void Reserve(int64_t rows);
  void RunGrn(absl::Span<const NetworkRow<T>> rows);
  void RunDense(absl::Span<const NetworkRow<T>> rows);

  bool denoiser_;
  ModelConfig config_;
  bool preconditioned_;  // controls are standardised, and x_t passes the Gaussian skip
  bool cell_in_grn_;     // x_t and t enter the GRN block
  ThreadTeam team_;
  int64_t genes_stride_, nodes_stride_;

  NodeInputs<T> node_inputs_;
  GrnBlock<T> grn_;
  Perceptron<T> block_, decoder_;
  Priors<T> priors_;
  AlignedVector<T> alpha_bar_, frequency_, time_bias_, phi_time_;
  PackedMatrix<T> time_weight_, phi_time_map_;
  std::map<int32_t, TimeTerms> time_terms_;
  std::map<int32_t, AlignedVector<T>> source_gene_readout_;  // by cell type; `static` inputs only

  // Buffers of one call, grown to the largest batch seen.
  std::vector<std::shared_ptr<const Prior<T>>> row_priors_;
  std::vector<std::shared_ptr<const NodeBase<T>>> bases_;
  AlignedVector<T> state_;           // [rows, genes_stride_]
  AlignedVector<T> gene_readout_;    // [rows, nodes_stride_]
  AlignedVector<T> network_output_;  // [rows, genes_stride_]
  AlignedVector<T> first_, second_;
  std::vector<int32_t> cell_embedding_rows_;
  std::vector<const T*> block_times_, decoder_times_, block_conditions_, decoder_conditions_;
  struct WorkerScratch {
    GrnScratch<T> grn;
    AlignedVector<T> control;
  };
  std::vector<WorkerScratch> workers_;
};

}  // namespace unlasting::model::cpu
