// Compiled in place of device_sums.cc where LibTorch was built without NCCL, or its headers are not
// there.
#include "trainer/ranks/device_sums.h"

namespace unlasting::trainer {

std::unique_ptr<DeviceSums> DeviceSums::Create(const c10::intrusive_ptr<c10d::Store>& /*store*/,
                                               const RankInfo& /*info*/) {
  return nullptr;
}

}  // namespace unlasting::trainer
