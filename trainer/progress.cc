#include "trainer/progress.h"

#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace unlasting::trainer {
namespace {

constexpr int kBarWidth = 30;
constexpr std::chrono::seconds kPlainInterval(10);
constexpr std::chrono::milliseconds kBarInterval(200);

std::string Duration(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 60) return absl::StrCat(whole, "s");
  if (whole < 3600) return absl::StrFormat("%dm%02ds", whole / 60, whole % 60);
  return absl::StrFormat("%dh%02dm", whole / 3600, whole % 3600 / 60);
}

}  // namespace

absl::StatusOr<ProgressStyle> ParseProgressStyle(const std::string& text) {
  if (text == "none") return ProgressStyle::kNone;
  if (text == "plain") return ProgressStyle::kPlain;
  if (text == "bar") return ProgressStyle::kBar;
  if (text == "auto") return isatty(STDERR_FILENO) ? ProgressStyle::kBar : ProgressStyle::kPlain;
  return absl::InvalidArgumentError(
      absl::StrCat("--progress: found '", text, "', expected auto, bar, plain or none"));
}

Progress::Progress(std::string title, ProgressStyle style)
    : title_(std::move(title)), style_(style), start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (style_ == ProgressStyle::kBar && drawn_) std::fputc('\n', stderr);
}

void Progress::Update(int64_t done, int64_t total, const std::string& detail) {
  if (style_ == ProgressStyle::kNone || total <= 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (first_done_ < 0) first_done_ = done;
  const bool finished = done >= total;
  const bool due =
      style_ == ProgressStyle::kBar ? now - last_ >= kBarInterval : now - last_ >= kPlainInterval;
  if (drawn_ && !due && !finished) return;
  last_ = now;
  drawn_ = true;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double rate = elapsed > 0 ? static_cast<double>(done - first_done_) / elapsed : 0.0;
  std::string line = absl::StrFormat("%s %d/%d", title_, done, total);
  if (rate > 0) {
    absl::StrAppend(&line, absl::StrFormat("  %.1f/s", rate));
    absl::StrAppend(&line, finished ? "  took " : "  left ",
                    Duration(finished ? elapsed : static_cast<double>(total - done) / rate));
  }
  if (!detail.empty()) absl::StrAppend(&line, "  ", detail);
  if (style_ == ProgressStyle::kBar) {
    const auto filled = static_cast<int>(kBarWidth * done / total);
    const std::string bar = std::string(filled, '#') + std::string(kBarWidth - filled, '.');
    std::fprintf(stderr, "\r\033[K[%s] %s", bar.c_str(), line.c_str());
    std::fflush(stderr);
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

}  // namespace unlasting::trainer
