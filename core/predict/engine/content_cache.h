// Vectors by the content they were made from. The latent of eq 14 depends on the control cell, its
// type and the solver alone, so every perturbation of a screen, and every request about the same
// cells, shares it; likewise the mask's thresholds that the bundle's panel lends to small requests.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/lru_map.h"
#include "core/diffusion/solver.h"

namespace unlasting::predict {

// Least recently used leaves first. Thread-safe.
class ContentCache {
 public:
  explicit ContentCache(int64_t max_bytes) : max_bytes_(max_bytes) {}

  // SHA-256 over all that a latent depends on within one engine; `control` in model units,
  // `context` the key of a cell type that training never saw, whose name says nothing.
  static std::string LatentKey(diffusion::Solver solver, int steps, int32_t cell_type,
                               absl::Span<const float> control, absl::string_view context = "");

  // Only a first look counts in the statistics: whoever looks again, later, for what it missed.
  enum class Look { kFirst, kAgain };
  std::optional<std::vector<float>> Find(const std::string& key, Look look = Look::kFirst);
  void Insert(const std::string& key, const std::vector<float>& values);

  struct Statistics {
    int64_t hits = 0;
    int64_t misses = 0;
    int64_t bytes = 0;
  };
  Statistics statistics() const;
  bool enabled() const { return max_bytes_ > 0; }

 private:
  const int64_t max_bytes_;
  mutable std::mutex mutex_;
  LruMap<std::string, std::vector<float>> entries_;
  Statistics statistics_;
};

}  // namespace unlasting::predict
