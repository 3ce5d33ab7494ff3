// Any bytes as weights.safetensors: reading returns weights or a Status that says what is wrong.
// Mutations begin from a sound file whose header is changed, so that they reach deep.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/bundle/safetensors.h"
#include "core/bundle/weights_file.h"
#include "tests/support/tiny_bundle.h"

namespace {

using namespace unlasting;  // NOLINT(google-build-using-namespace)

struct Sound {
  model::ModelConfig config;
  std::string header;
  std::string data;
};

const Sound& TheSoundFile() {
  static const auto* const kSound = [] {
    const auto parts = test::TinyBundleParts({});
    if (!parts.ok()) std::abort();
    auto* sound = new Sound;
    sound->config = *model::ModelConfig::FromJson(parts->manifest.model);
    const auto bytes = bundle::FormatWeights(sound->config, parts->weights);
    if (!bytes.ok() || !bundle::ParseWeights(sound->config, *bytes).ok()) std::abort();
    uint64_t length = 0;
    std::memcpy(&length, bytes->data(), sizeof(length));
    sound->header = bytes->substr(8, length);
    sound->data = bytes->substr(8 + length);
    return sound;
  }();
  return *kSound;
}

void Check(const std::string& bytes) {
  const auto weights = bundle::ParseWeights(TheSoundFile().config, bytes);
  if (weights.ok() == weights.status().message().empty()) return;
  std::abort();
}

// The sound header with some bytes replaced, as pairs of a position and a value say.
std::string Patched(const uint8_t* data, size_t size) {
  std::string header = TheSoundFile().header;
  for (size_t k = 0; k + 3 <= size; k += 3) {
    header[(data[k] | data[k + 1] << 8) % header.size()] = static_cast<char>(data[k + 2]);
  }
  std::string bytes(8, '\0');
  const uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + header + TheSoundFile().data;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  if (data[0] % 2 == 0) {
    Check(Patched(data + 1, size - 1));
    return 0;
  }
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Check(bytes);
  const auto tensors = bundle::ParseSafetensors(bytes);
  if (!tensors.ok()) return 0;
  // What was read can be written and read again.
  bundle::SafetensorsWriter writer;
  std::map<std::string, AlignedVector<float>> floats;
  std::map<std::string, std::vector<int64_t>> integers;
  for (const auto& [name, view] : *tensors) {
    if (view.type == bundle::TensorType::kFloat32) {
      writer.Add(name, view.shape, (floats[name] = view.Floats()).data());
    } else {
      writer.Add(name, view.shape, (integers[name] = view.Integers()).data());
    }
  }
  if (!bundle::ParseSafetensors(writer.Format()).ok()) std::abort();
  return 0;
}
