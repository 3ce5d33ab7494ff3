#include "core/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace unlasting::cli {
namespace {

constexpr int kBarWidth = 30;
constexpr absl::Duration kBarInterval = absl::Milliseconds(100);
constexpr absl::Duration kPlainInterval = absl::Seconds(5);

// Slow work shows a decimal, or its rate would read 0.
std::string FormatRate(double rate) { return absl::StrFormat("%.*f/s", rate < 10 ? 1 : 0, rate); }

}  // namespace

absl::StatusOr<ProgressStyle> ParseProgressStyle(const std::string& name) {
  if (name == "auto") {
    return isatty(STDERR_FILENO) != 0 ? ProgressStyle::kBar : ProgressStyle::kPlain;
  }
  if (name == "bar") return ProgressStyle::kBar;
  if (name == "plain") return ProgressStyle::kPlain;
  if (name == "none") return ProgressStyle::kNone;
  return absl::InvalidArgumentError(
      absl::StrCat("--progress: found '", name, "', expected auto, bar, plain or none"));
}

std::string FormatDuration(double seconds) {
  const int64_t whole = std::llround(seconds);
  if (whole >= 3600) {
    return absl::StrFormat("%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
  }
  return absl::StrFormat("%d:%02d", whole / 60, whole % 60);
}

std::string ProgressLine(const std::string& title, const std::string& unit, ProgressStyle style,
                         const ProgressState& state) {
  const double share =
      state.total > 0
          ? std::min(1.0, static_cast<double>(state.done) / static_cast<double>(state.total))
          : 0.0;
  std::string line = absl::StrCat(title, " ");
  if (style == ProgressStyle::kBar) {
    const int filled = static_cast<int>(share * kBarWidth);
    absl::StrAppend(&line, "[", std::string(filled, '='), std::string(kBarWidth - filled, ' '),
                    "] ");
  }
  absl::StrAppendFormat(&line, "%3d%% %d/%d %s", static_cast<int>(share * 100), state.done,
                        state.total, unit);
  const double seconds = std::max(1e-9, absl::ToDoubleSeconds(state.elapsed));
  const int64_t fresh = state.done - state.done_at_start;
  if (fresh > 0) absl::StrAppend(&line, " ", FormatRate(static_cast<double>(fresh) / seconds));
  if (state.done >= state.total) {
    absl::StrAppend(&line, " took ", FormatDuration(seconds));
  } else {
    const double left = static_cast<double>(state.total - state.done);
    absl::StrAppend(
        &line, " ETA ",
        fresh > 0 ? FormatDuration(left * seconds / static_cast<double>(fresh)) : std::string("?"));
  }
  if (!state.detail.empty()) absl::StrAppend(&line, " ", state.detail);
  return line;
}

Progress::Progress(std::string title, std::string unit, ProgressStyle style)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      style_(style),
      start_(absl::Now()),
      last_(absl::InfinitePast()) {}

Progress::~Progress() {
  if (drawn_ && style_ == ProgressStyle::kBar) std::cerr << "\n";
}

void Progress::Update(int64_t done, int64_t total, const std::string& detail) {
  if (style_ == ProgressStyle::kNone || total <= 0) return;
  if (done_at_start_ < 0) done_at_start_ = done;
  const absl::Time now = absl::Now();
  const bool due = now - last_ >= (style_ == ProgressStyle::kBar ? kBarInterval : kPlainInterval);
  if (!due && done < total) return;
  last_ = now;
  drawn_ = true;
  const std::string line =
      ProgressLine(title_, unit_, style_, {done, total, done_at_start_, now - start_, detail});
  if (style_ == ProgressStyle::kBar) {
    // Erases what a longer line left behind.
    std::cerr << "\r" << line << "\x1b[K" << std::flush;
  } else {
    std::cerr << line << "\n";
  }
}

}  // namespace unlasting::cli
