#include "core/molecule/smiles_text.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace unlasting::molecule {
namespace {

constexpr size_t kMaxQuoted = 80;

bool Plain(char c) { return c > ' ' && c <= '~'; }

struct Character {
  int64_t code = -1;  // of Unicode; -1 for a byte that is no part of UTF-8
  size_t bytes = 1;
};

// The character that `text` begins with.
Character Decode(absl::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (bytes == 0 || text.size() < bytes || lead > 0xF4) return {};
  int64_t code = lead & (0x7F >> bytes);
  for (size_t k = 1; k < bytes; ++k) {
    const auto next = static_cast<uint8_t>(text[k]);
    if ((next & 0xC0) != 0x80) return {};
    code = code << 6 | (next & 0x3F);
  }
  return {code, bytes};
}

// What a page, a PDF or a keyboard puts in the place of what a SMILES has.
const char* Explain(int64_t code) {
  if (code == 0) return ", a NUL: remove it";
  if (code >= 0x200B && code <= 0x200F) return ", which is invisible: remove it";
  if (code == 0x2060 || code == 0xFEFF || code == 0xAD) return ", which is invisible: remove it";
  if (code == 0xA0 || code == 0x202F || (code >= 0x2000 && code <= 0x200A) || code == 0x3000) {
    return ", a blank that is not ASCII's: remove it";
  }
  if (code == 0x2261) return ", a drawn triple bond: write #";
  if (code >= 0x2010 && code <= 0x2015) return ", a dash: write -";
  if (code == 0x2212) return ", a minus sign: write -";
  if (code == 0x2550 || code == 0xFF1D || code == 0x207C) return ", a drawn double bond: write =";
  if (code == 0x207A || code == 0x207B) return ", a superscript charge: write + or -";
  if (code >= 0x2080 && code <= 0x2089) return ", a subscript digit: write an ASCII digit";
  if (code >= 0x400 && code <= 0x4FF) return ", a Cyrillic letter: write the Latin one";
  if (code >= 0x370 && code <= 0x3FF) return ", a Greek letter: write the Latin one";
  if (code >= 0xFF01 && code <= 0xFF5E) return ", a full-width character: write the ASCII one";
  if (code < 0x20 || code == 0x7F) return ", a control character: remove it";
  return "";
}

}  // namespace

std::string SmilesIn(absl::string_view text) {
  const absl::string_view trimmed = absl::StripLeadingAsciiWhitespace(text);
  return std::string(trimmed.substr(0, trimmed.find_first_of(" \t\r\n|")));
}

std::string ForeignCharacter(absl::string_view smiles) {
  int64_t place = 1;
  for (size_t k = 0; k < smiles.size(); ++place) {
    const Character character = Decode(smiles.substr(k));
    if (Plain(smiles[k])) {
      k += character.bytes;
      continue;
    }
    const std::string name =
        character.code < 0 ? absl::StrFormat("the byte 0x%02X, which is not UTF-8",
                                             static_cast<uint8_t>(smiles[k]))
                           : absl::StrFormat("U+%04X%s", character.code, Explain(character.code));
    return absl::StrCat("character ", place, ": found ", name,
                        "; expected the characters of SMILES, which are ASCII");
  }
  return "";
}

std::string Quotable(absl::string_view text) {
  std::string quotable;
  for (const char c : text.substr(0, kMaxQuoted)) {
    if (Plain(c) || c == ' ') {
      quotable.push_back(c);
    } else {
      absl::StrAppendFormat(&quotable, "\\x%02X", static_cast<uint8_t>(c));
    }
  }
  return quotable;
}

}  // namespace unlasting::molecule
