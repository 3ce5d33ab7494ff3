// These functions judge, cut and mend UTF-8 for whoever sends text that others chose: protobuf
// refuses a message whose strings are not UTF-8, and a client then cannot read it at all. Pure
// functions; any thread.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace unlasting {

// Offset of the first byte that does not belong to a UTF-8 character, npos where there is none.
// Overlong forms, surrogates and what lies past U+10FFFF are not UTF-8.
size_t FirstNotUtf8(absl::string_view text);
inline bool IsUtf8(absl::string_view text) { return FirstNotUtf8(text) == text.npos; }

// The longest beginning of at most `max_bytes` that does not end inside a character.
absl::string_view CutUtf8(absl::string_view text, size_t max_bytes);

// `text` where it is UTF-8; else each byte that is not becomes \xNN, so that a message can show it.
std::string EscapedUtf8(absl::string_view text);

// Takes every byte for a character of Latin-1, as old files and spreadsheets write them.
std::string Latin1ToUtf8(absl::string_view text);

// Takes pairs of bytes for characters of UTF-16; a half pair becomes U+FFFD.
std::string Utf16ToUtf8(absl::string_view bytes, bool little_endian);

}  // namespace unlasting
