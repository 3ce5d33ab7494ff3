// Progress shows on stderr how far long work has come: a bar with rate and time left on a terminal,
// plain lines elsewhere, or nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace unlasting::cli {

enum class ProgressStyle { kNone, kPlain, kBar };

// Parses the value of --progress: "auto" (a bar where stderr is a terminal, else plain lines),
// "bar", "plain" or "none". INVALID_ARGUMENT otherwise.
absl::StatusOr<ProgressStyle> ParseProgressStyle(const std::string& name);

// Formats seconds as m:ss, or h:mm:ss from an hour on.
std::string FormatDuration(double seconds);

// What one line of progress says.
struct ProgressState {
  int64_t done = 0;   // units finished
  int64_t total = 0;  // units in all
  // Units that were finished before `elapsed` began, as in resumed work; they do not count towards
  // the rate.
  int64_t done_at_start = 0;
  absl::Duration elapsed;
  std::string detail;  // stands behind the time, e.g. "loss 0.8123"; may be empty
};

// One line of progress without its line end, e.g.
// "screen [=====     ]  50% 12/24 perturbations 3.1/s ETA 0:04". `unit` is a plural noun.
std::string ProgressLine(const std::string& title, const std::string& unit, ProgressStyle style,
                         const ProgressState& state);

// Used by one thread.
class Progress {
 public:
  // `unit` names what is counted, in the plural: "steps", "cells", "perturbations".
  Progress(std::string title, std::string unit, ProgressStyle style);
  // Leaves the cursor at the start of a line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Draws a bar at most ten times a second and prints a plain line at most every five seconds; the
  // last unit is always shown.
  void Update(int64_t done, int64_t total, const std::string& detail = "");

 private:
  const std::string title_;
  const std::string unit_;
  const ProgressStyle style_;
  const absl::Time start_;
  absl::Time last_;
  int64_t done_at_start_ = -1;
  bool drawn_ = false;
};

}  // namespace unlasting::cli
