// Progress of long work on stderr: a bar with rate and time left on a terminal, plain lines
// elsewhere.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace unlasting::client {

enum class ProgressStyle { kNone, kPlain, kBar };

// "auto" (a bar where stderr is a terminal, else plain lines), "bar", "plain", "none".
absl::StatusOr<ProgressStyle> ParseProgressStyle(const std::string& name);

// One line of progress without its line end, e.g. "predict  [=====     ]  50%  812/s  ETA 0:12".
std::string ProgressLine(const std::string& title, ProgressStyle style, int64_t done, int64_t total,
                         absl::Duration elapsed);

// One thread.
class Progress {
 public:
  Progress(std::string title, ProgressStyle style);
  // Leaves the cursor at the start of a line.
  ~Progress();

  // A bar is drawn at most 10 times a second, a plain line printed at most every 5 seconds.
  void Update(int64_t done, int64_t total);

 private:
  const std::string title_;
  const ProgressStyle style_;
  const absl::Time start_;
  absl::Time last_;
  bool drawn_ = false;
};

}  // namespace unlasting::client
