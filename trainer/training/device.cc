#include "trainer/training/device.h"

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace unlasting::trainer {
namespace {

#if defined(UNLASTING_TORCH_CUDA)
constexpr bool kBuiltForCuda = true;
#else
constexpr bool kBuiltForCuda = false;
#endif

absl::Status NoSuchDevice(const std::string& name, const std::string& expected) {
  return absl::InvalidArgumentError(
      absl::StrCat("--device: found '", name, "', expected ", expected));
}

}  // namespace

absl::StatusOr<torch::Device> FindDeviceAmong(const std::string& name, int local_rank,
                                              bool built_for_cuda, int devices) {
  const bool automatic = name == "auto";
  if (name == "cpu" || (automatic && (!built_for_cuda || devices == 0))) return torch::kCPU;
  absl::string_view rest = name;
  if (!automatic && !absl::ConsumePrefix(&rest, "cuda")) {
    return NoSuchDevice(name, "auto, cpu, cuda or cuda:NUMBER");
  }
  const bool numbered = absl::ConsumePrefix(&rest, ":");
  int index = 0;
  const bool number = numbered && !rest.empty() &&
                      rest.find_first_not_of("0123456789") == absl::string_view::npos &&
                      absl::SimpleAtoi(rest, &index);
  if (!automatic && !number && (numbered || !rest.empty())) {
    return NoSuchDevice(name, "auto, cpu, cuda or cuda:NUMBER");
  }
  if (!built_for_cuda) {
    return absl::FailedPreconditionError(
        absl::StrCat("--device: found '", name,
                     "', but this build trains on the CPU alone; use --device cpu, or build with "
                     "-DUNLASTING_CUDA=ON against a LibTorch that has CUDA (docs/cuda.md)"));
  }
  if (devices == 0) {
    return NoSuchDevice(name, "a CUDA device, of which this machine shows none; use --device cpu");
  }
  if (!numbered) index = local_rank % devices;
  if (index >= devices) {
    return NoSuchDevice(
        name, absl::StrCat("a number from 0 to ", devices - 1, ", as this machine shows ", devices,
                           " CUDA device", devices == 1 ? "" : "s"));
  }
  return torch::Device(torch::kCUDA, static_cast<torch::DeviceIndex>(index));
}

absl::StatusOr<torch::Device> FindDevice(const std::string& name, int local_rank) {
  const int devices = kBuiltForCuda ? static_cast<int>(torch::cuda::device_count()) : 0;
  return FindDeviceAmong(name, local_rank, kBuiltForCuda, devices);
}

model::Attention AttentionOn(torch::Device device) {
  return device.is_cpu() ? model::Attention::kFused : model::Attention::kOperator;
}

absl::Status CheckPrecision(const std::string& precision, torch::Device device) {
  if (!device.is_cpu() || precision == "float32") return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "precision: found '", precision, "', expected float32 on the CPU, which has nothing else; ",
      precision, " needs --device cuda"));
}

model::Products ProductsOf(const std::string& precision) {
  return precision == "bf16" ? model::Products::kBf16 : model::Products::kFloat32;
}

void PrepareDevice(torch::Device device, const std::string& precision) {
  if (device.is_cpu()) return;
  at::globalContext().setAllowTF32CuBLAS(precision == "tf32");
  // cuBLAS reads it when its first handle is made; without it, its workspaces may change sums.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
#if TORCH_VERSION_MAJOR >= 2
  // Else LibTorch 2 writes every new tensor full of NaN first.
  at::globalContext().setDeterministicFillUninitializedMemory(false);
#endif
}

}  // namespace unlasting::trainer
