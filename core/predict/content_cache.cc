#include "core/predict/content_cache.h"

#include "absl/strings/str_cat.h"
#include "core/base/file.h"

namespace unlasting::predict {
namespace {

// What an entry takes beside its values: two copies of the key and the nodes that hold them.
constexpr int64_t kOverhead = 320;

int64_t BytesOf(const std::vector<float>& values) {
  return static_cast<int64_t>(values.size() * sizeof(float)) + kOverhead;
}

}  // namespace

std::string ContentCache::LatentKey(diffusion::Solver solver, int steps, int32_t cell_type,
                                    absl::Span<const float> control) {
  std::string content =
      absl::StrCat(diffusion::SolverName(solver), "/", steps, "/", cell_type, "/");
  content.append(reinterpret_cast<const char*>(control.data()), control.size() * sizeof(float));
  return Sha256(content);
}

std::optional<std::vector<float>> ContentCache::Find(const std::string& key, Look look) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    if (look == Look::kFirst) ++statistics_.misses;
    return std::nullopt;
  }
  if (look == Look::kFirst) ++statistics_.hits;
  used_.splice(used_.begin(), used_, found->second.used);
  return found->second.values;
}

void ContentCache::Insert(const std::string& key, const std::vector<float>& values) {
  if (BytesOf(values) > most_bytes_) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto [place, added] = entries_.try_emplace(key);
  if (!added) return;
  used_.push_front(key);
  place->second = {values, used_.begin()};
  statistics_.bytes += BytesOf(values);
  while (statistics_.bytes > most_bytes_) {
    const auto oldest = entries_.find(used_.back());
    statistics_.bytes -= BytesOf(oldest->second.values);
    entries_.erase(oldest);
    used_.pop_back();
  }
}

ContentCache::Statistics ContentCache::statistics() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return statistics_;
}

}  // namespace unlasting::predict
