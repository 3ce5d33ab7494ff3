#include "server/models/version_policy.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/ascii.h"

namespace unlasting::server {
namespace {

// Takes a run of digits, without leading zeros, or one other letter from the front of `text`.
absl::string_view TakePart(absl::string_view* text) {
  size_t length = 0;
  while (length < text->size() && absl::ascii_isdigit((*text)[length])) ++length;
  absl::string_view part = text->substr(0, std::max<size_t>(1, length));
  text->remove_prefix(part.size());
  while (part.size() > 1 && part.front() == '0') part.remove_prefix(1);
  return part;
}

}  // namespace

bool VersionBefore(absl::string_view a, absl::string_view b) {
  while (!a.empty() && !b.empty()) {
    const absl::string_view left = TakePart(&a);
    const absl::string_view right = TakePart(&b);
    if (left == right) continue;
    const bool numbers = absl::ascii_isdigit(left[0]) && absl::ascii_isdigit(right[0]);
    // Of two numbers without leading zeros the longer is the larger.
    if (numbers && left.size() != right.size()) return left.size() < right.size();
    return left < right;
  }
  return a.empty() && !b.empty();
}

size_t DefaultVersion(const std::vector<VersionInfo>& versions) {
  const auto highest =
      std::max_element(versions.begin(), versions.end(), [](const auto& a, const auto& b) {
        if (a.pinned != b.pinned) return b.pinned;
        return VersionBefore(a.version, b.version);
      });
  return static_cast<size_t>(highest - versions.begin());
}

}  // namespace unlasting::server
