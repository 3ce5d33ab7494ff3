// cells.h keeps cells on the device for as long as their trajectories last.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/types/span.h"
#include "core/model/cuda/runtime.h"

namespace unlasting::model::cuda {

// One cell's place on the device. Where it has been is its owner's to know.
struct Cell {
  float* x = nullptr;             // [N]
  float* previous_x0 = nullptr;   // [N]
  float* control = nullptr;       // [N]
  float* gene_readout = nullptr;  // [N']
  float* sent = nullptr;          // [N], of the host: what CellPool::Send copies x to
  bool has_control = false;
  bool has_gene_readout = false;  // set by the network where GRN inputs are `static`
};

// Hands out cells; memory grows by whole blocks and is kept. Acquire, and letting a cell go, may
// happen on any thread; the other calls on the thread of the context. Cells outlive the pool at
// will.
class CellPool {
 public:
  // Strides in numbers, multiples of 4.
  CellPool(std::shared_ptr<Context> context, int64_t genes, int64_t genes_stride,
           int64_t nodes_stride);

  std::shared_ptr<Cell> Acquire();
  // `count` cells whose x lie one behind the other, and so their controls; owned by the pool.
  std::vector<Cell> Row(int64_t count);

  // `x` and `control` [N], both model units; a null control for the source model. Returns when the
  // host's memory is free again; the device has them in stream order.
  void Put(const float* x, const float* control, Cell* cell);
  // Has the device copy each x, as it is once all that is in the stream now is done. What is put
  // into the stream later goes on while the host waits for the event and reads.
  std::shared_ptr<const Event> Send(absl::Span<const Cell* const> cells);
  // Fills `out` [N]; the event of the cell's Send has passed.
  void Read(const Cell& cell, float* out) const;
  // Send, wait, and Read for each cell.
  void Take(absl::Span<const Cell* const> cells, absl::Span<float* const> out);

  int64_t genes_stride() const { return genes_stride_; }
  const std::shared_ptr<Context>& context() const { return context_; }

 private:
  struct Memory {
    ~Memory();
    std::shared_ptr<Context> context;  // outlives the blocks
    std::mutex mutex;
    std::vector<DeviceArray<float>> blocks;
    std::vector<PinnedArray<float>> sent;
    std::vector<Cell> free;
  };
  void Grow(int64_t count, std::vector<Cell>* cells);

  std::shared_ptr<Context> context_;
  int64_t genes_, genes_stride_, nodes_stride_;
  std::shared_ptr<Memory> memory_;
  // Uploads go through a ring of places, each free once its event has passed.
  PinnedArray<float> up_;
  std::vector<Event> passed_;
  int64_t next_ = 0;
};

}  // namespace unlasting::model::cuda
