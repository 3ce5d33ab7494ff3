// In place of rank_group.cc where LibTorch was built without Gloo.
#include "trainer/ranks/rank_group.h"

namespace unlasting::trainer {

absl::StatusOr<std::unique_ptr<RankGroup>> RankGroup::Join(const RankInfo& place,
                                                           const Hooks& hooks) {
  return absl::UnimplementedError(
      "training on several ranks: this build's LibTorch has no Gloo or its headers (libgloo-dev)");
}

}  // namespace unlasting::trainer
