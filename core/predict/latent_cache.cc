#include "core/predict/latent_cache.h"

#include "absl/strings/str_cat.h"
#include "core/base/file.h"

namespace unlasting::predict {
namespace {

// What an entry takes beside its values: two copies of the key and the nodes that hold them.
constexpr int64_t kOverhead = 320;

int64_t BytesOf(const std::vector<float>& latent) {
  return static_cast<int64_t>(latent.size() * sizeof(float)) + kOverhead;
}

}  // namespace

std::string LatentCache::KeyOf(diffusion::Solver solver, int steps, int32_t cell_type,
                               absl::Span<const float> control) {
  std::string content =
      absl::StrCat(diffusion::SolverName(solver), "/", steps, "/", cell_type, "/");
  content.append(reinterpret_cast<const char*>(control.data()), control.size() * sizeof(float));
  return Sha256(content);
}

std::optional<std::vector<float>> LatentCache::Find(const std::string& key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    ++statistics_.misses;
    return std::nullopt;
  }
  ++statistics_.hits;
  used_.splice(used_.begin(), used_, found->second.used);
  return found->second.latent;
}

void LatentCache::Insert(const std::string& key, const std::vector<float>& latent) {
  if (BytesOf(latent) > most_bytes_) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto [place, added] = entries_.try_emplace(key);
  if (!added) return;
  used_.push_front(key);
  place->second = {latent, used_.begin()};
  statistics_.bytes += BytesOf(latent);
  while (statistics_.bytes > most_bytes_) {
    const auto oldest = entries_.find(used_.back());
    statistics_.bytes -= BytesOf(oldest->second.latent);
    entries_.erase(oldest);
    used_.pop_back();
  }
}

LatentCache::Statistics LatentCache::statistics() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return statistics_;
}

}  // namespace unlasting::predict
