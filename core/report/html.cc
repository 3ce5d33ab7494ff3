#include "core/report/html.h"

#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace unlasting::report {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";

// Bytes of the well-formed UTF-8 sequence at `k`, 0 where there is none.
size_t SequenceLength(const std::string& text, size_t k) {
  const auto byte = [&text](size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto continues = [&byte](size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned first = byte(k);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return continues(k + 1) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    const bool overlong = first == 0xE0 && byte(k + 1) < 0xA0;
    const bool surrogate = first == 0xED && byte(k + 1) >= 0xA0;
    return !overlong && !surrogate && continues(k + 1) && continues(k + 2) ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    const bool overlong = first == 0xF0 && byte(k + 1) < 0x90;
    const bool beyond = first == 0xF4 && byte(k + 1) >= 0x90;
    const bool whole = continues(k + 1) && continues(k + 2) && continues(k + 3);
    return !overlong && !beyond && whole ? 4 : 0;
  }
  return 0;
}

// A hyphen is too short to be seen beside digits.
std::string WithMinusSign(const std::string& number) {
  return number[0] == '-' ? absl::StrCat("−", number.substr(1)) : number;
}

}  // namespace

std::string Escape(const std::string& text) {
  std::string escaped;
  for (size_t k = 0; k < text.size();) {
    const size_t length = SequenceLength(text, k);
    if (length == 0) {
      escaped += kReplacement;
      ++k;
      continue;
    }
    const auto c = static_cast<unsigned char>(text[k]);
    if (length > 1) {
      escaped.append(text, k, length);
    } else if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else if (c == '\'') {
      escaped += "&#39;";
    } else {
      escaped += c < 0x20 || c == 0x7F ? ' ' : static_cast<char>(c);
    }
    k += length;
  }
  return escaped;
}

std::string Count(int64_t value) {
  std::string digits = absl::StrCat(value);
  const int64_t first = value < 0 ? 1 : 0;
  for (int64_t k = static_cast<int64_t>(digits.size()) - 3; k > first; k -= 3) {
    digits.insert(static_cast<size_t>(k), ",");
  }
  return digits;
}

std::string Decimal(double value, int digits) {
  std::string text = absl::StrFormat("%.*f", digits, value);
  if (text[0] == '-' && text.find_first_of("123456789") == std::string::npos) text.erase(0, 1);
  return WithMinusSign(text);
}

std::string Number(double value) {
  if (!std::isfinite(value)) return "–";
  const double size = std::abs(value);
  if (size != 0 && size < 5e-5) return WithMinusSign(absl::StrFormat("%.1e", value));
  if (value == std::floor(value) && size >= 10 && size < 1e15) {
    return WithMinusSign(Count(static_cast<int64_t>(value)));
  }
  return Decimal(value, size < 10 ? 4 : 2);
}

std::string PValue(double value) {
  if (!std::isfinite(value)) return "–";
  if (value < 1e-300) return "< 1e-300";
  return absl::StrFormat(value < 0.001 ? "%.1e" : "%.2g", value);
}

std::string Shortened(const std::string& text, size_t most) {
  size_t characters = 0;
  for (size_t k = 0; k < text.size(); ++k) {
    const bool begins = (static_cast<unsigned char>(text[k]) & 0xC0u) != 0x80u;
    if (begins && ++characters > most) return absl::StrCat(text.substr(0, k), "…");
  }
  return text;
}

std::string Coordinate(double value) {
  std::string text = absl::StrFormat("%.2f", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

}  // namespace unlasting::report
