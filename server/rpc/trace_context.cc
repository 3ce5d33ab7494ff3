#include "server/rpc/trace_context.h"

#include <algorithm>
#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace unlasting::server {
namespace {

constexpr size_t kMaxIdBytes = 128;

bool IsHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char letter) {
    return absl::ascii_isdigit(letter) || (letter >= 'a' && letter <= 'f');
  });
}

bool IsZero(absl::string_view text) {
  return text.find_first_not_of('0') == absl::string_view::npos;
}

}  // namespace

TraceParent ParseTraceParent(absl::string_view header) {
  // VERSION-TRACE-PARENT-FLAGS, of 2, 32, 16 and 2 digits. Later versions may append fields.
  if (header.size() < 55 || header[2] != '-' || header[35] != '-' || header[52] != '-') return {};
  const absl::string_view version = header.substr(0, 2);
  const absl::string_view trace = header.substr(3, 32);
  const absl::string_view parent = header.substr(36, 16);
  if (!IsHex(version) || version == "ff" || !IsHex(trace) || !IsHex(parent) ||
      !IsHex(header.substr(53, 2)) || IsZero(trace) || IsZero(parent)) {
    return {};
  }
  if (header.size() > 55 && (version == "00" || header[55] != '-')) return {};
  return {std::string(trace), std::string(parent)};
}

std::string RequestIdOf(absl::string_view proposed) {
  const bool valid = !proposed.empty() && proposed.size() <= kMaxIdBytes &&
                     std::all_of(proposed.begin(), proposed.end(), [](char letter) {
                       return absl::ascii_isalnum(letter) || letter == '-' || letter == '_' ||
                              letter == '.' || letter == ':';
                     });
  if (valid) return std::string(proposed);
  thread_local std::mt19937_64 random{std::random_device{}()};
  return absl::StrCat(absl::Hex(random(), absl::kZeroPad16));
}

}  // namespace unlasting::server
