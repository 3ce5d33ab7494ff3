#include "core/predict/engine/content_cache.h"

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
                                    absl::Span<const float> control, absl::string_view context) {
  std::string content =
      absl::StrCat(diffusion::SolverName(solver), "/", steps, "/", cell_type, "/");
  if (!context.empty()) absl::StrAppend(&content, "new/", context, "/");
  content.append(reinterpret_cast<const char*>(control.data()), control.size() * sizeof(float));
  return Sha256(content);
}

std::optional<std::vector<float>> ContentCache::Find(const std::string& key, Look look) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::vector<float>* const found = entries_.Find(key);
  if (look == Look::kFirst) ++(found == nullptr ? statistics_.misses : statistics_.hits);
  if (found == nullptr) return std::nullopt;
  return *found;
}

void ContentCache::Insert(const std::string& key, const std::vector<float>& values) {
  if (BytesOf(values) > max_bytes_) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (entries_.Find(key) != nullptr) return;
  entries_.Insert(key, values);
  statistics_.bytes += BytesOf(values);
  while (statistics_.bytes > max_bytes_) statistics_.bytes -= BytesOf(entries_.TakeOldest());
}

ContentCache::Statistics ContentCache::statistics() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return statistics_;
}

}  // namespace unlasting::predict
