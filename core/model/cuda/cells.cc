#include "core/model/cuda/cells.h"

#include <algorithm>

namespace unlasting::model::cuda {
namespace {

constexpr int64_t kBlockCells = 64;
// Of the ring to the device: as many as one step may begin with, so that putting them there does
// not wait for the step before.
constexpr int64_t kPlaces = 256;

}  // namespace

CellPool::CellPool(std::shared_ptr<Context> context, int64_t genes, int64_t genes_stride,
                   int64_t nodes_stride)
    : context_(std::move(context)),
      genes_(genes),
      genes_stride_(genes_stride),
      nodes_stride_(nodes_stride),
      memory_(std::make_shared<Memory>()),
      up_(2 * kPlaces * genes_stride),
      passed_(kPlaces) {
  memory_->context = context_;
}

// The host's memory must outlive copies to it.
CellPool::Memory::~Memory() { cudaStreamSynchronize(context->stream()); }

// The caller holds the lock, or nobody else knows the pool yet.
void CellPool::Grow(int64_t count, std::vector<Cell>* cells) {
  context_->Use();
  memory_->blocks.emplace_back(count * (3 * genes_stride_ + nodes_stride_));
  memory_->sent.emplace_back(count * genes_stride_);
  float* x = memory_->blocks.back().data();
  float* previous = x + count * genes_stride_;
  float* control = previous + count * genes_stride_;
  float* gene_readout = control + count * genes_stride_;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t at = k * genes_stride_;
    cells->push_back({x + at, previous + at, control + at, gene_readout + k * nodes_stride_,
                      memory_->sent.back().data() + at, false, false});
  }
}

std::shared_ptr<Cell> CellPool::Acquire() {
  const std::lock_guard<std::mutex> lock(memory_->mutex);
  if (memory_->free.empty()) Grow(kBlockCells, &memory_->free);
  Cell cell = memory_->free.back();
  memory_->free.pop_back();
  cell.has_control = cell.has_gene_readout = false;
  return std::shared_ptr<Cell>(new Cell(cell), [memory = memory_](Cell* gone) {
    const std::lock_guard<std::mutex> lock(memory->mutex);
    memory->free.push_back(*gone);
    delete gone;
  });
}

std::vector<Cell> CellPool::Row(int64_t count) {
  const std::lock_guard<std::mutex> lock(memory_->mutex);
  std::vector<Cell> cells;
  Grow(count, &cells);
  return cells;
}

void CellPool::Put(const float* x, const float* control, Cell* cell) {
  const int64_t place = next_++ % kPlaces;
  passed_[place].Wait();
  const auto put = [&](const float* from, int64_t half, float* to) {
    float* pinned = up_.data() + (2 * place + half) * genes_stride_;
    std::copy_n(from, genes_, pinned);
    Check(cudaMemcpyAsync(to, pinned, genes_ * sizeof(float), cudaMemcpyHostToDevice,
                          context_->stream()),
          "upload");
  };
  put(x, 0, cell->x);
  cell->has_control = control != nullptr;
  cell->has_gene_readout = false;
  if (control != nullptr) put(control, 1, cell->control);
  passed_[place].Record(context_->stream());
}

std::shared_ptr<const Event> CellPool::Send(absl::Span<const Cell* const> cells) {
  for (const Cell* cell : cells) {
    Check(cudaMemcpyAsync(cell->sent, cell->x, genes_ * sizeof(float), cudaMemcpyDeviceToHost,
                          context_->stream()),
          "download");
  }
  const auto sent = std::make_shared<Event>();
  sent->Record(context_->stream());
  return sent;
}

void CellPool::Read(const Cell& cell, float* out) const { std::copy_n(cell.sent, genes_, out); }

void CellPool::Take(absl::Span<const Cell* const> cells, absl::Span<float* const> out) {
  Send(cells)->Wait();
  for (size_t k = 0; k < cells.size(); ++k) Read(*cells[k], out[k]);
}

}  // namespace unlasting::model::cuda
