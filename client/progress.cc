#include "client/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace unlasting::client {
namespace {

constexpr int kBarWidth = 30;

std::string Clockwise(double seconds) {
  const int64_t whole = std::llround(seconds);
  if (whole >= 3600) {
    return absl::StrFormat("%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
  }
  return absl::StrFormat("%d:%02d", whole / 60, whole % 60);
}

}  // namespace

absl::StatusOr<ProgressStyle> ParseProgressStyle(const std::string& name) {
  if (name == "auto")
    return isatty(STDERR_FILENO) != 0 ? ProgressStyle::kBar : ProgressStyle::kPlain;
  if (name == "bar") return ProgressStyle::kBar;
  if (name == "plain") return ProgressStyle::kPlain;
  if (name == "none") return ProgressStyle::kNone;
  return absl::InvalidArgumentError(
      absl::StrCat("--progress: found '", name, "', expected auto, bar, plain or none"));
}

std::string ProgressLine(const std::string& title, ProgressStyle style, int64_t done, int64_t total,
                         absl::Duration elapsed) {
  const double share =
      total > 0 ? std::min(1.0, static_cast<double>(done) / static_cast<double>(total)) : 0.0;
  const double seconds = std::max(1e-9, absl::ToDoubleSeconds(elapsed));
  const double rate = static_cast<double>(done) / seconds;
  const std::string eta =
      done > 0 ? Clockwise(static_cast<double>(total - done) / rate) : std::string("?");
  std::string bar;
  if (style == ProgressStyle::kBar) {
    const int filled = static_cast<int>(share * kBarWidth);
    bar = absl::StrCat("[", std::string(filled, '='), std::string(kBarWidth - filled, ' '), "] ");
  }
  return absl::StrFormat("%s %s%3d%% %d/%d evaluations %.0f/s ETA %s", title, bar,
                         static_cast<int>(share * 100), done, total, rate, eta);
}

Progress::Progress(std::string title, ProgressStyle style)
    : title_(std::move(title)), style_(style), start_(absl::Now()), last_(absl::InfinitePast()) {}

Progress::~Progress() {
  if (drawn_ && style_ == ProgressStyle::kBar) std::cerr << "\n";
}

void Progress::Update(int64_t done, int64_t total) {
  if (style_ == ProgressStyle::kNone) return;
  const absl::Time now = absl::Now();
  const absl::Duration interval =
      style_ == ProgressStyle::kBar ? absl::Milliseconds(100) : absl::Seconds(5);
  if (now - last_ < interval && done < total) return;
  last_ = now;
  drawn_ = true;
  const std::string line = ProgressLine(title_, style_, done, total, now - start_);
  if (style_ == ProgressStyle::kBar) {
    // Erases what a longer line left behind.
    std::cerr << "\r" << line << "\x1b[K" << std::flush;
  } else {
    std::cerr << line << "\n";
  }
}

}  // namespace unlasting::client
