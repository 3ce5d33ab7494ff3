#include "trainer/ranks/device_sums.h"

// Must precede every header of c10d.
#ifndef USE_C10D_NCCL
#define USE_C10D_NCCL
#endif
#include <cuda_runtime_api.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace unlasting::trainer {
namespace {

// Of one sum. Ranks meet before each (RankGroup), so that none comes late.
constexpr std::chrono::minutes kTimeout(2);

// Unlike any other device's, on whatever machine and whatever it is called by a process; "" where
// there is none.
std::string NameOf(int device) {
  cudaDeviceProp properties;
  if (device < 0 || cudaGetDeviceProperties(&properties, device) != cudaSuccess) return "";
  return absl::BytesToHexString(absl::string_view(properties.uuid.bytes, 16));
}

class NcclSums : public DeviceSums {
 public:
  NcclSums(const c10::intrusive_ptr<c10d::Store>& store, const RankInfo& info)
      : device_(torch::kCUDA, static_cast<torch::DeviceIndex>(info.device)) {
    // A rank that is lost must be an error here: by default NCCL's group ends the process.
    setenv("TORCH_NCCL_BLOCKING_WAIT", "1", /*overwrite=*/0);
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = kTimeout;
    group_ = c10::make_intrusive<c10d::ProcessGroupNCCL>(
        c10::make_intrusive<c10d::PrefixStore>("nccl", store), info.rank, info.size, options);
  }
  ~NcclSums() override {
    try {
      group_->abort();
    } catch (const std::exception&) {
      // The group was broken already.
    }
  }

  void Sum(float* values, int64_t count) override {
    std::vector<torch::Tensor> one = {
        torch::from_blob(values, {count}, torch::TensorOptions(torch::kFloat32).device(device_))};
    group_->allreduce(one)->wait();
  }

 private:
  torch::Device device_;
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> group_;
};

}  // namespace

std::unique_ptr<DeviceSums> DeviceSums::Create(const c10::intrusive_ptr<c10d::Store>& store,
                                               const RankInfo& info) {
  const auto key = [](int rank) { return absl::StrCat("device/", rank); };
  const std::string own = NameOf(info.device);
  store->set(key(info.rank), std::vector<uint8_t>(own.begin(), own.end()));
  std::vector<std::string> names;
  for (int rank = 0; rank < info.size; ++rank) {
    const std::vector<uint8_t> name = store->get(key(rank));
    names.emplace_back(name.begin(), name.end());
  }
  if (!EachHasItsOwn(names)) return nullptr;
  return std::make_unique<NcclSums>(store, info);
}

}  // namespace unlasting::trainer
