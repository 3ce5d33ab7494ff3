#include "core/bundle/torch/modules.h"

#include "core/bundle/torch/write.h"
#include "gmock/gmock.h"
#include "tests/support/files.h"
#include "tests/support/tiny_torch_bundle.h"

namespace unlasting::bundle {
namespace {

using ::testing::HasSubstr;

class ModulesTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Bundle> Write(const test::TinyBundleOptions& options) {
    const std::string directory = folder_.At("tiny");
    EXPECT_OK(test::WriteTinyTorchBundle(directory, options));
    auto bundle = Bundle::Load(directory);
    EXPECT_OK(bundle);
    return *bundle;
  }

  test::TempFolder folder_;
};

TEST_F(ModulesTest, TheTorchScriptFilesHoldTheWeightsOfTheSafetensorsToTheBit) {
  test::TinyBundleOptions options;
  EXPECT_OK(VerifyModules(*Write(options)));
  options.molecules = true;
  options.dose_gate = "sigmoid";
  EXPECT_OK(VerifyModules(*Write(options)));
  options.expected_response = false;
  EXPECT_OK(VerifyModules(*Write(options)));
}

TEST_F(ModulesTest, AModuleOfOtherWeightsIsNamed) {
  const auto parts = test::TinyBundleParts({});
  ASSERT_OK(parts);
  const auto config = model::ModelConfig::FromJson(parts->manifest.model);
  BundleWeights weights = parts->weights;
  const auto network = [&](model::NetworkKind kind, const model::NetworkWeights<float>& arrays) {
    return *model::Network::FromWeights(kind, *config, arrays, model::Attention::kFused);
  };
  const auto denoiser = network(model::NetworkKind::kDenoiser, weights.denoiser);
  weights.mask.values["decoder_mid"][3] += 1e-6f;
  const auto mask = network(model::NetworkKind::kMask, weights.mask);
  // The file of the mask model comes from another network than the safetensors.
  const auto write_torchscript = [&](const std::filesystem::path& folder) -> absl::Status {
    using model::ExportKind;
    EXPECT_OK(denoiser.Export((folder / "source.pt").string(), ExportKind::kSource));
    EXPECT_OK(denoiser.Export((folder / "target.pt").string(), ExportKind::kTarget));
    return mask.Export((folder / "mask.pt").string(), ExportKind::kMask);
  };
  ASSERT_OK(WriteBundle(*parts, write_torchscript, folder_.At("mixed")));
  const auto bundle = Bundle::Load(folder_.At("mixed"));
  ASSERT_OK(bundle);
  const absl::Status status = VerifyModules(**bundle);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("mask.pt: 'decoder_mid'"));
}

TEST_F(ModulesTest, AFileThatIsNoModuleIsRefusedInOneLine) {
  ASSERT_OK(test::WriteTinyBundle(folder_.At("text")));
  const auto bundle = Bundle::Load(folder_.At("text"));
  ASSERT_OK(bundle);
  const absl::Status status = VerifyModules(**bundle);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("source.pt: not a TorchScript file"));
  EXPECT_EQ(status.message().find('\n'), absl::string_view::npos);
}

}  // namespace
}  // namespace unlasting::bundle
