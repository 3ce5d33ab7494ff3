#include "core/bundle/torch/write.h"

#include "core/base/status.h"

namespace unlasting::bundle {

absl::Status WriteBundle(BundleParts parts, const model::Network& denoiser,
                         const model::Network& mask, const std::string& directory) {
  using model::ExportKind;
  parts.weights = {denoiser.ToWeights<float>(), mask.ToWeights<float>()};
  const auto write_torchscript = [&](const std::filesystem::path& folder) -> absl::Status {
    const auto at = [&](const char* file) { return (folder / file).string(); };
    UNLASTING_RETURN_IF_ERROR(denoiser.Export(at("source.pt"), ExportKind::kSource));
    UNLASTING_RETURN_IF_ERROR(denoiser.Export(at("target.pt"), ExportKind::kTarget));
    return mask.Export(at("mask.pt"), ExportKind::kMask);
  };
  return WriteBundle(parts, write_torchscript, directory);
}

}  // namespace unlasting::bundle
