#include "core/base/utf8.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace unlasting {
namespace {

// Length of the UTF-8 character at `at`, 0 where there is none.
size_t LengthAt(absl::string_view text, size_t at) {
  const auto byte = [&](size_t k) {
    return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u;
  };
  const unsigned lead = byte(at);
  const size_t length = lead < 0x80                   ? 1
                        : lead >= 0xC2 && lead < 0xE0 ? 2
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  for (size_t k = 1; k < length; ++k) {
    if ((byte(at + k) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and what lies past U+10FFFF.
  const unsigned second = byte(at + 1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
      (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

void AppendCharacter(uint32_t character, std::string* text) {
  const auto tail = [&](int shift) {
    text->push_back(static_cast<char>(0x80 | ((character >> shift) & 0x3F)));
  };
  if (character < 0x80) {
    text->push_back(static_cast<char>(character));
  } else if (character < 0x800) {
    text->push_back(static_cast<char>(0xC0 | (character >> 6)));
    tail(0);
  } else if (character < 0x10000) {
    text->push_back(static_cast<char>(0xE0 | (character >> 12)));
    tail(6);
    tail(0);
  } else {
    text->push_back(static_cast<char>(0xF0 | (character >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace

size_t FirstNotUtf8(absl::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = LengthAt(text, at);
    if (length == 0) return at;
    at += length;
  }
  return text.npos;
}

absl::string_view CutUtf8(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes;
  // Characters have at most four bytes: further back lies no beginning of the one at `end`.
  for (int back = 0; back < 3 && end > 0; ++back) {
    if ((static_cast<unsigned char>(text[end]) & 0xC0) != 0x80) break;
    --end;
  }
  if ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) end = max_bytes;
  return text.substr(0, end);
}

std::string EscapedUtf8(absl::string_view text) {
  std::string escaped;
  for (size_t at = 0; at < text.size();) {
    const size_t length = LengthAt(text, at);
    if (length == 0) {
      absl::StrAppend(&escaped, "\\x",
                      absl::Hex(static_cast<unsigned char>(text[at]), absl::kZeroPad2));
      ++at;
    } else {
      absl::StrAppend(&escaped, text.substr(at, length));
      at += length;
    }
  }
  return escaped;
}

std::string Latin1ToUtf8(absl::string_view text) {
  std::string encoded;
  for (const char byte : text) AppendCharacter(static_cast<unsigned char>(byte), &encoded);
  return encoded;
}

std::string Utf16ToUtf8(absl::string_view bytes, bool little_endian) {
  constexpr uint32_t kReplacement = 0xFFFD;
  const auto unit = [&](size_t at) {
    const uint32_t first = static_cast<unsigned char>(bytes[at]);
    const uint32_t second = static_cast<unsigned char>(bytes[at + 1]);
    return little_endian ? first | (second << 8) : (first << 8) | second;
  };
  std::string encoded;
  size_t at = 0;
  for (; at + 1 < bytes.size(); at += 2) {
    const uint32_t high = unit(at);
    if (high < 0xD800 || high > 0xDFFF) {
      AppendCharacter(high, &encoded);
      continue;
    }
    const uint32_t low = high < 0xDC00 && at + 3 < bytes.size() ? unit(at + 2) : 0;
    if (low >= 0xDC00 && low <= 0xDFFF) {
      AppendCharacter(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), &encoded);
      at += 2;
    } else {
      AppendCharacter(kReplacement, &encoded);
    }
  }
  if (at < bytes.size()) AppendCharacter(kReplacement, &encoded);
  return encoded;
}

}  // namespace unlasting
