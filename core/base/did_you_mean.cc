#include "core/base/did_you_mean.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace unlasting {
namespace {

// A name beyond this length is no slip of the hand.
constexpr size_t kMaxNameBytes = 64;
constexpr size_t kShortName = 5;

std::string Plain(absl::string_view name) {
  std::string plain;
  for (const char letter : name) {
    const bool separator = letter == '-' || letter == '_' || letter == '.' || letter == ' ';
    if (!separator) plain.push_back(absl::ascii_tolower(static_cast<unsigned char>(letter)));
  }
  return plain;
}

}  // namespace

size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> two_above, above(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::vector<size_t> row = {i};
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t least = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      least = std::min({least, above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        least = std::min(least, two_above[j - 2] + 1);
      }
      row.push_back(least);
    }
    two_above = std::move(above);
    above = std::move(row);
  }
  return above[b.size()];
}

std::vector<std::string> NearestNames(absl::string_view name, const std::vector<std::string>& known,
                                      size_t max_names) {
  if (name.empty() || name.size() > kMaxNameBytes) return {};
  const std::string plain = Plain(name);
  const size_t allowed = plain.size() < kShortName ? 1 : 2;
  std::vector<std::pair<size_t, const std::string*>> near;
  for (const std::string& candidate : known) {
    if (candidate.size() > name.size() + 2 * allowed + 2) continue;
    const std::string other = Plain(candidate);
    if (other.size() > plain.size() + allowed || plain.size() > other.size() + allowed) continue;
    const size_t distance = EditDistance(plain, other);
    // A name of two letters is one edit from too many.
    if (distance <= allowed && (distance == 0 || distance + 1 < plain.size())) {
      near.emplace_back(distance, &candidate);
    }
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (const auto& [distance, candidate] : near) {
    // Where a name differs in writing alone, those that differ in letters were not meant.
    if (names.size() == max_names || (near.front().first == 0 && distance > 0)) break;
    if (std::find(names.begin(), names.end(), *candidate) == names.end()) {
      names.push_back(*candidate);
    }
  }
  return names;
}

std::string DidYouMean(absl::string_view name, const std::vector<std::string>& known) {
  const std::vector<std::string> names = NearestNames(name, known);
  if (names.empty()) return "";
  std::string question = ", did you mean ";
  for (size_t k = 0; k < names.size(); ++k) {
    absl::StrAppend(&question,
                    k == 0                  ? ""
                    : k + 1 == names.size() ? " or "
                                            : ", ",
                    "'", names[k], "'");
  }
  return question + "?";
}

}  // namespace unlasting
