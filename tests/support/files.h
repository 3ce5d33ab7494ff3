// Where tests find their data and put their files.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#define EXPECT_OK(expression)                                                               \
  do {                                                                                      \
    const auto& unlasting_result_ = (expression);                                           \
    EXPECT_TRUE(unlasting_result_.ok()) << ::unlasting::test::MessageOf(unlasting_result_); \
  } while (false)

namespace unlasting::test {

// A fresh folder, removed at the end of the test that owns it.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "unlasting-test-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string At(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline nlohmann::json ReadJson(const std::string& path) {
  std::ifstream stream(path);
  EXPECT_TRUE(stream) << path;
  return nlohmann::json::parse(stream);
}

}  // namespace unlasting::test

// A Status or StatusOr that must be OK, with its message when it is not.
#define ASSERT_OK(expression)                                                               \
  do {                                                                                      \
    const auto& unlasting_result_ = (expression);                                           \
    ASSERT_TRUE(unlasting_result_.ok()) << ::unlasting::test::MessageOf(unlasting_result_); \
  } while (false)

namespace unlasting::test {
template <typename T>
std::string MessageOf(const T& result) {
  if constexpr (std::is_same_v<T, absl::Status>) {
    return result.ToString();
  } else {
    return result.status().ToString();
  }
}
}  // namespace unlasting::test
