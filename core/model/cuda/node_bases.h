// node_bases.h computes the node inputs that do not depend on the cell
// (core/model/cpu/node_inputs.h) on the device and keeps them there, one per (time, cell type,
// drug, dose); the least recently used is freed first.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "core/base/lru_map.h"
#include "core/model/cpu/node_inputs.h"
#include "core/model/cuda/gemm.h"
#include "core/model/cuda/runtime.h"
#include "core/model/spec/config.h"

namespace unlasting::model::cuda {

class NodeBases {
 public:
  // `bytes`: most that is kept; what one batch needs is kept besides.
  NodeBases(const ModelConfig& config, const NetworkWeights<float>& arrays, int64_t dim,
            int64_t bytes);

  // From here on every base asked for stays until the next call.
  void BeginBatch() { ++batch_; }
  // [N' + 1, D]; the last row is a node's whose gene is knocked out. Filled in `stream` order.
  // `time_bias` [padded dim of core/model/cpu] is null where time does not enter.
  const float* Base(int64_t time, const float* time_bias, int64_t cell_embedding_row,
                    const cpu::Molecule<float>* molecule, const Gemm& gemm, cudaStream_t stream);

 private:
  using Key = std::tuple<int64_t, int64_t, std::string>;
  struct Entry {
    DeviceArray<float> base;
    int64_t batch = 0;
  };

  DeviceArray<float> BufferForBase();
  SmallRow Small(const AlignedVector<float>& values) const;
  void Compute(const SmallRow& bias, const SmallRow* drug, const SmallRow* gate, float* out,
               const Gemm& gemm, cudaStream_t stream);
  // out [N' + 1, D] = bias in each row + hidden * map.
  void Map(const float* in, const DeviceArray<float>& map, const SmallRow& bias, float* out,
           const Gemm& gemm, cudaStream_t stream) const;

  ModelConfig config_;
  int64_t dim_;
  int64_t max_bases_;
  cpu::NodeInputs<float> inputs_;
  DeviceArray<float> genes_;   // [N' + 1, D]; zeros in the last row
  DeviceArray<float> hidden_;  // [N' + 1, D]
  DeviceArray<float> fused_;   // [N' + 1, D]; empty where the dose has no gate
  DeviceArray<float> phi_out_, fuse_gene_, fuse_out_;
  SmallRow phi_bias_{}, fuse_bias_{};
  int64_t batch_ = 0;
  LruMap<Key, Entry> entries_;
};

}  // namespace unlasting::model::cuda
