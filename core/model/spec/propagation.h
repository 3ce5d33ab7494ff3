// Propagate carries a change of perturbed genes along the gene network: it computes u of
// core/model/torch/expected_response.h.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "core/model/spec/expected_response.h"

namespace unlasting::model {

// By node, all arrays. `own` is the perturbed genes' own change, `perturbed` says which listen to
// nothing; edges by target, as grn::Graph has them, with their weights.
template <typename T>
std::vector<T> Propagate(absl::Span<const int64_t> indptr, absl::Span<const int32_t> sources,
                         absl::Span<const T> weights, const std::vector<T>& own,
                         const std::vector<bool>& perturbed) {
  std::vector<T> change = own, next(own.size());
  for (int hop = 0; hop < kPropagationHops; ++hop) {
    for (size_t node = 0; node < own.size(); ++node) {
      T sum = 0;
      if (!perturbed[node]) {
        for (int64_t e = indptr[node]; e < indptr[node + 1]; ++e) {
          sum += weights[e] * change[sources[e]];
        }
      }
      next[node] = own[node] + sum;
    }
    std::swap(change, next);
  }
  return change;
}

}  // namespace unlasting::model
