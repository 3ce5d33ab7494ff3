// Which engines a build has, and what it says where it lacks one.
#include "core/predict/engine/engine_factory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::predict {
namespace {

class EngineFactoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(test::WriteTinyBundle(folder_.At("tiny")));
    bundle_ = *bundle::Bundle::Load(folder_.At("tiny"));
  }

  absl::StatusOr<std::unique_ptr<Engine>> Create(const std::string& device,
                                                 const std::string& precision) {
    EngineOptions options;
    options.device = device;
    options.precision = precision;
    return CreateEngine(bundle_, options);
  }

  test::TempFolder folder_;
  std::shared_ptr<const bundle::Bundle> bundle_;
};

TEST_F(EngineFactoryTest, TheCpuComputesInFloat32AndSaysSo) {
  for (const char* precision : {"auto", "float32"}) {
    const auto engine = Create("cpu", precision);
    ASSERT_OK(engine);
    EXPECT_EQ((*engine)->options().precision, "float32");
  }
}

TEST_F(EngineFactoryTest, APrecisionThatTheCpuLacksIsRefused) {
  for (const char* precision : {"tf32", "bf16", "", "half", "FLOAT32"}) {
    const absl::Status status = Create("cpu", precision).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << precision;
    EXPECT_THAT(std::string(status.message()),
                testing::HasSubstr(absl::StrCat("precision: found '", precision, "'")));
  }
}

TEST_F(EngineFactoryTest, ADeviceThatIsNoneIsRefused) {
  for (const char* device : {"", "gpu", "cuda:x", "CPU"}) {
    EXPECT_EQ(Create(device, "auto").status().code(), absl::StatusCode::kInvalidArgument) << device;
  }
}

}  // namespace
}  // namespace unlasting::predict
