// Any bytes as a bundle's manifest.json: reading must answer with a manifest or a Status.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/bundle/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto json = nlohmann::json::parse(data, data + size, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return 0;
  const auto manifest = unlasting::bundle::Manifest::FromJson(json);
  if (!manifest.ok()) return 0;
  // What was read can be written and read again.
  if (!unlasting::bundle::Manifest::FromJson(manifest->ToJson()).ok()) std::abort();
  return 0;
}
