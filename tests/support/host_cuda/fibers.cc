// A block of threads: each runs until it waits for others, on a stack of its own from then on.
#undef _FORTIFY_SOURCE  // its longjmp refuses to change stacks
#include <setjmp.h>
#include <ucontext.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "tests/support/host_cuda/host_cuda.h"

namespace unlasting::model::host_cuda {

Place thread_place, block_place, block_size;

namespace {

constexpr size_t kStackBytes = size_t{256} << 10;

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "host_cuda: block (%u, %u), thread %u: %s\n", block_place.x, block_place.y,
               thread_place.x, what);
  std::abort();
}

struct Fiber {
  std::unique_ptr<char[]> stack{new char[kStackBytes]};
  ucontext_t start;
  jmp_buf place;
  bool started = false;
};

struct Thread {
  Fiber* fiber = nullptr;
  bool done = false;
  unsigned waits_for = 0;  // lanes of its warp
  int64_t exchanges = 0;
};

struct Block {
  std::vector<Thread> threads;
  std::vector<std::array<uint64_t, 32>> values[2];  // by warp; exchanges take turns
  std::vector<std::unique_ptr<Fiber>> fibers;
  std::vector<Fiber*> free;
  jmp_buf scheduler;
  size_t current = 0, next = 0;
  Fiber* running = nullptr;
  const std::function<void()>* body = nullptr;
};
Block block;

void SetCurrent(size_t thread) {
  block.current = thread;
  thread_place.x = static_cast<unsigned>(thread);
}

void Leave() {
  if (_setjmp(block.running->place) == 0) _longjmp(block.scheduler, 1);
}

// Threads that never wait need no stack each: one after the other, they share this one.
void Enter() {
  for (;;) {
    while (block.next < block.threads.size()) {
      SetCurrent(block.next++);
      block.threads[block.current].fiber = block.running;
      (*block.body)();
      block.threads[block.current].done = true;
    }
    block.free.push_back(block.running);
    Leave();
  }
}

void Resume(Fiber* fiber) {
  block.running = fiber;
  if (_setjmp(block.scheduler) != 0) return;
  if (fiber->started) _longjmp(fiber->place, 1);
  fiber->started = true;
  getcontext(&fiber->start);
  fiber->start.uc_stack.ss_sp = fiber->stack.get();
  fiber->start.uc_stack.ss_size = kStackBytes;
  fiber->start.uc_link = nullptr;
  makecontext(&fiber->start, Enter, 0);
  setcontext(&fiber->start);
}

bool Ready(size_t k) {
  const Thread& thread = block.threads[k];
  for (size_t lane = 0; lane < 32; ++lane) {
    if ((thread.waits_for >> lane & 1u) == 0) continue;
    const size_t other = k / 32 * 32 + lane;
    if (other >= block.threads.size()) Fail("a mask names lanes that the block has not");
    if (block.threads[other].exchanges >= thread.exchanges) continue;
    if (block.threads[other].done) Fail("a mask names a lane that has left");
    return false;
  }
  return true;
}

void RunBlock(int threads, const std::function<void()>& body) {
  block.body = &body;
  block.threads.assign(threads, Thread());
  for (auto& values : block.values) values.resize((threads + 31) / 32);
  block.next = 0;
  while (block.next < block.threads.size()) {
    if (block.free.empty()) {
      block.fibers.push_back(std::make_unique<Fiber>());
      block.free.push_back(block.fibers.back().get());
    }
    Fiber* fiber = block.free.back();
    block.free.pop_back();
    Resume(fiber);
  }
  for (bool left = true, moved = true; left;) {
    if (!moved) Fail("threads wait for one another");
    left = moved = false;
    for (size_t k = 0; k < block.threads.size(); ++k) {
      if (block.threads[k].done) continue;
      left = true;
      SetCurrent(k);
      if (!Ready(k)) continue;
      moved = true;
      Resume(block.threads[k].fiber);
    }
  }
}

}  // namespace

const uint64_t* Exchange(unsigned mask, uint64_t value) {
  Thread& thread = block.threads[block.current];
  const size_t warp = block.current / 32, lane = block.current % 32;
  if ((mask >> lane & 1u) == 0) Fail("a shuffle's mask leaves out its own lane");
  auto& values = block.values[thread.exchanges % 2][warp];
  values[lane] = value;
  ++thread.exchanges;
  thread.waits_for = mask;
  Leave();
  thread.waits_for = 0;
  return values.data();
}

int SourceIn(unsigned mask, int lane) {
  if ((mask >> lane & 1u) == 0) Fail("a shuffle reads outside of its mask");
  return lane;
}

void RunGrid(dim3 grid, int threads, const std::function<void()>& thread) {
  if (threads > 1024 || grid.y > 65535 || grid.z > 65535 || grid.x == 0 || grid.y == 0) {
    Fail("no such grid");
  }
  block_size = {static_cast<unsigned>(threads), 1, 1};
  for (block_place.y = 0; block_place.y < grid.y; ++block_place.y) {
    for (block_place.x = 0; block_place.x < grid.x; ++block_place.x) RunBlock(threads, thread);
  }
}

}  // namespace unlasting::model::host_cuda
