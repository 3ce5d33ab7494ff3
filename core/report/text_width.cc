#include "core/report/text_width.h"

#include <array>
#include <cstdint>

namespace unlasting::report {
namespace {

// Widths of the characters from space to ~ in thousandths of the font size.
constexpr std::array<int16_t, 95> kAscii = {
    278,  278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,  // space to /
    556,  556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,  // 0 to ?
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,  // @ to O
    667,  778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,  // P to _
    333,  556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,  // ` to o
    556,  556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584};      // p to ~

// About a digit's width, for letters and signs beyond ASCII (the minus sign is one), and the width
// of ideographs, which fill a square.
constexpr int64_t kOther = 600, kWide = 1000;

}  // namespace

double TextWidth(absl::string_view text, double size) {
  int64_t thousandths = 0;
  for (const char character : text) {
    const auto byte = static_cast<uint8_t>(character);
    if (byte >= 0x20 && byte < 0x7f) {
      thousandths += kAscii[byte - 0x20];
    } else if (byte >= 0xe3) {
      thousandths += kWide;  // the first byte of U+3000 and beyond
    } else if (byte >= 0xc0) {
      thousandths += kOther;  // the first byte of U+0080 to U+2FFF
    }
  }
  return static_cast<double>(thousandths) / 1000 * size;
}

}  // namespace unlasting::report
