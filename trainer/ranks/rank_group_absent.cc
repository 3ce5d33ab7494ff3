// Compiled in place of rank_group.cc where LibTorch was built without Gloo.
#include "trainer/ranks/rank_group.h"

namespace unlasting::trainer {

absl::StatusOr<std::unique_ptr<RankGroup>> RankGroup::Join(const RankInfo& info,
                                                           const Hooks& hooks) {
  return absl::UnimplementedError(
      "--ranks: found no Gloo in this build, expected a LibTorch with Gloo and, when it was built, "
      "the headers of libgloo-dev");
}

}  // namespace unlasting::trainer
