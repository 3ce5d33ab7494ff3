// Progress of long work on stderr: a bar with rate and time left on a terminal, plain lines
// elsewhere.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "absl/status/statusor.h"

namespace unlasting::trainer {

enum class ProgressStyle { kNone, kPlain, kBar };

// auto, bar, plain or none; auto is a bar on a terminal, plain lines otherwise.
absl::StatusOr<ProgressStyle> ParseProgressStyle(const std::string& text);

class Progress {
 public:
  Progress(std::string title, ProgressStyle style);
  ~Progress();

  // `detail` stands behind the rate, e.g. "loss 0.8123".
  void Update(int64_t done, int64_t total, const std::string& detail = "");

 private:
  std::string title_;
  ProgressStyle style_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_;
  int64_t first_done_ = -1;
  bool drawn_ = false;
};

}  // namespace unlasting::trainer
