// Where a run trains, and that what a CUDA device computes with gives what the CPU's operators
// give.
#include "trainer/training/device.h"

#include <gmock/gmock.h>

#include "tests/trainer/training/training_fixture.h"
#include "trainer/training/next_batches.h"

namespace unlasting::trainer {
namespace {

using testing::HasSubstr;
using DeviceTest = TrainingFixture;

torch::Device Found(const std::string& name, int local_rank, int devices) {
  const auto device = FindDeviceAmong(name, local_rank, /*built_for_cuda=*/true, devices);
  return device.ok() ? *device : torch::Device(torch::kMeta);
}

TEST(FindDeviceTest, AutoTakesAnAcceleratorWhereThereIsOne) {
  EXPECT_EQ(Found("auto", 0, 1), torch::Device(torch::kCUDA, 0));
  EXPECT_EQ(Found("auto", 0, 0), torch::Device(torch::kCPU));
  EXPECT_EQ(*FindDeviceAmong("auto", 0, /*built_for_cuda=*/false, 0), torch::Device(torch::kCPU));
  EXPECT_EQ(Found("cpu", 0, 4), torch::Device(torch::kCPU));
}

TEST(FindDeviceTest, ProcessesOfAMachineGetOneDeviceEach) {
  EXPECT_EQ(Found("cuda", 1, 4), torch::Device(torch::kCUDA, 1));
  EXPECT_EQ(Found("auto", 3, 4), torch::Device(torch::kCUDA, 3));
  EXPECT_EQ(Found("cuda", 5, 4), torch::Device(torch::kCUDA, 1)) << "more processes than devices";
  EXPECT_EQ(Found("cuda:2", 1, 4), torch::Device(torch::kCUDA, 2)) << "as it was asked for";
}

TEST(FindDeviceTest, NamesThatAreNoDevicesAreRefusedByName) {
  for (const char* name : {"", "gpu", "CUDA", "cuda:", "cuda:x", "cuda:-1", "cuda: 1", "cuda:1x",
                           "cuda1", "cuda:99999999999", "cpu:0", "auto:1"}) {
    const auto device = FindDeviceAmong(name, 0, true, 2);
    EXPECT_EQ(device.status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(device.status().message()),
                HasSubstr(absl::StrCat("--device: found '", name, "'")));
  }
}

TEST(FindDeviceTest, ADeviceThatIsNotThereIsRefusedWithWhatIs) {
  EXPECT_THAT(std::string(FindDeviceAmong("cuda:2", 0, true, 2).status().message()),
              HasSubstr("a number from 0 to 1"));
  EXPECT_THAT(std::string(FindDeviceAmong("cuda", 0, true, 0).status().message()),
              HasSubstr("--device cpu"));
}

TEST(FindDeviceTest, ABuildWithoutCudaSaysHowToGetOne) {
  for (const char* name : {"cuda", "cuda:0"}) {
    const absl::Status status = FindDeviceAmong(name, 0, /*built_for_cuda=*/false, 0).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("-DUNLASTING_CUDA=ON"));
  }
}

TEST_F(DeviceTest, TheOperatorsOfADeviceTrainTheSameWeights) {
  for (const NetworkKind kind : {NetworkKind::kDenoiser, NetworkKind::kMask}) {
    Network fused = NewNetwork(kind), plain = NewNetwork(kind, AttentionOn(torch::kCUDA));
    ASSERT_OK(Train(Task(kind, 8), &fused));
    ASSERT_OK(Train(Task(kind, 8), &plain));
    EXPECT_GT(Difference(fused, NewNetwork(kind)), 1e-3) << "nothing was trained";
    EXPECT_LT(Difference(fused, plain), 1e-4);
  }
}

TEST_F(DeviceTest, ARunGoesOnWithTheOperatorsOfAnotherDevice) {
  Network straight = NewNetwork(NetworkKind::kDenoiser);
  ASSERT_OK(Train(Task(NetworkKind::kDenoiser, 8), &straight));

  std::atomic<bool> interrupted{false};
  TrainingTask first = Task(NetworkKind::kDenoiser, 8);
  first.interrupted = &interrupted;
  first.log = [&](const nlohmann::json&) { interrupted = true; };
  Network broken_off = NewNetwork(NetworkKind::kDenoiser, AttentionOn(torch::kCUDA));
  EXPECT_EQ(Train(first, &broken_off).code(), absl::StatusCode::kCancelled);

  TrainingTask second = Task(NetworkKind::kDenoiser, 8);
  second.resume = true;
  Network resumed = NewNetwork(NetworkKind::kDenoiser);
  ASSERT_OK(Train(second, &resumed));
  EXPECT_LT(Difference(straight, resumed), 1e-4);
}

// The device of this test and the next has tensors without numbers, so that no build lacks it.
TEST_F(DeviceTest, BatchesMadeAheadAreThoseOfTheirSteps) {
  const BatchMaker maker(NetworkKind::kDenoiser, config_, data_, schedule_);
  NextBatches ahead(maker, torch::kMeta, 5);
  for (const int64_t step : {0, 1, 2, 4, 0, 4}) {
    const Batches found = ahead.Take(step), expected = maker.Make(step);
    EXPECT_TRUE(torch::equal(found.perturbed.x_t, expected.perturbed.x_t)) << step;
    EXPECT_TRUE(torch::equal(found.control.x_0, expected.control.x_0)) << step;
    EXPECT_TRUE(torch::equal(found.perturbed.inputs.knockout, expected.perturbed.inputs.knockout));
  }
}

TEST_F(DeviceTest, EveryTensorOfABatchGoesToTheDevice) {
  const BatchMaker maker(NetworkKind::kDenoiser, config_, data_, schedule_);
  const BatchRows rows = maker.Make(0).perturbed.On(torch::kMeta);
  const Network::Inputs& in = rows.inputs;
  for (const torch::Tensor& tensor : {rows.x_0, rows.x_t, rows.t, in.cell_type, in.control,
                                      in.knockout, in.molecule, in.dose, in.hidden, in.anonymous}) {
    if (tensor.defined()) EXPECT_TRUE(tensor.is_meta());
  }
  EXPECT_TRUE(in.molecule.defined() && in.dose.defined());
}

}  // namespace
}  // namespace unlasting::trainer
