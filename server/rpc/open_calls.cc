#include "server/rpc/open_calls.h"

#include <chrono>
#include <utility>
#include <vector>

namespace unlasting::server {

template <typename Ends>
void OpenCalls::EndReads(const Ends& ends) {
  std::vector<std::function<void()>> silent;
  {
    MutexLock lock(&mutex_);
    for (Read& read : reads_) {
      if (!ends(read) || read.on_silence == nullptr) continue;
      silent.push_back(std::move(read.on_silence));
      read.on_silence = nullptr;
    }
  }
  for (const auto& on_silence : silent) on_silence();
}

void OpenCalls::EndReadsSince(absl::Time oldest) {
  EndReads([oldest](const Read& read) { return read.began <= oldest; });
}

void OpenCalls::EndIdleReads() {
  EndReads([](const Read& read) { return read.idle; });
}

bool OpenCalls::WaitUntilNone(absl::Duration timeout) {
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(timeout);
  MutexLock lock(&mutex_);
  while (calls_ > 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    changed_.WaitFor(&mutex_, left);
  }
  return true;
}

int64_t OpenCalls::count() const {
  MutexLock lock(&mutex_);
  return calls_;
}

OpenCall::OpenCall(OpenCalls* calls) : calls_(calls) {
  MutexLock lock(&calls_->mutex_);
  ++calls_->calls_;
}

OpenCall::~OpenCall() {
  MutexLock lock(&calls_->mutex_);
  if (reading_) calls_->reads_.erase(read_);
  --calls_->calls_;
  calls_->changed_.NotifyAll();
}

void OpenCall::BeginRead(absl::Time now, std::function<void()> on_silence, bool idle) {
  MutexLock lock(&calls_->mutex_);
  read_ = calls_->reads_.insert(calls_->reads_.end(), {now, std::move(on_silence), idle});
  reading_ = true;
}

bool OpenCall::EndRead() {
  std::function<void()> released;  // after the lock: it may hold the last reference to the call
  MutexLock lock(&calls_->mutex_);
  if (!reading_) return false;
  released = std::move(read_->on_silence);
  const bool in_time = released != nullptr;
  calls_->reads_.erase(read_);
  reading_ = false;
  return in_time;
}

}  // namespace unlasting::server
