// A model registry with bundles of several versions, for tests; nothing here listens on a port.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/models/model_registry.h"
#include "tests/server/server_support.h"
#include "tests/support/files.h"

namespace unlasting::server {

// Leads `link` to `target` in one step, as an operator does.
inline void PointTo(const std::string& link, const std::string& target) {
  std::filesystem::create_symlink(target, link + ".next");
  std::filesystem::rename(link + ".next", link);
}

inline void Damage(const std::string& bundle) {
  std::ofstream(bundle + "/target.pt", std::ios::app) << "x";
}

class ModelRegistryTest : public testing::Test {
 protected:
  ModelRegistryTest() : registry_(Options(), &clock_, &metrics_) {}

  static RegistryOptions Options() {
    RegistryOptions options;
    options.device = "cpu";
    options.threads = 1;
    options.scheduler.max_batch = 8;
    return options;
  }

  std::string Write(const std::string& version, uint64_t seed = 1) {
    const std::string directory = folder_.At("v" + version + "-" + std::to_string(seed));
    test::WriteBundleVersion(directory, version, seed);
    return directory;
  }

  std::string ReasonOfFind(const std::string& name, const std::string& version = "") {
    return ReasonOf(registry_.Find(name, version).status());
  }

  test::TempFolder folder_;
  test::FakeClock clock_;
  Metrics metrics_;
  ModelRegistry registry_;
};

}  // namespace unlasting::server
