#include "core/base/utf8.h"

#include "gtest/gtest.h"

namespace unlasting {
namespace {

TEST(Utf8, TheFirstByteThatIsNotUtf8IsFound) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("STAT1 \xC3\xA9 \xE2\x89\xA1 \xF0\x9F\xA7\xAC"));
  EXPECT_EQ(FirstNotUtf8("STAT\xE9"), 4u);
  EXPECT_EQ(FirstNotUtf8("a\xC0\x80"), 1u) << "an overlong form";
  EXPECT_EQ(FirstNotUtf8("\xED\xA0\x80"), 0u) << "a surrogate";
  EXPECT_EQ(FirstNotUtf8("\xF5\x80\x80\x80"), 0u);
  EXPECT_EQ(FirstNotUtf8("ab\xE2\x89"), 2u) << "a character that is cut";
}

TEST(Utf8, CutsEndBetweenCharacters) {
  const std::string text = "a\xC3\xA9\xE2\x89\xA1\xF0\x9F\xA7\xAC";
  for (size_t bytes = 0; bytes <= text.size(); ++bytes) {
    const absl::string_view cut = CutUtf8(text, bytes);
    EXPECT_LE(cut.size(), bytes);
    EXPECT_GT(cut.size() + 4, bytes);
    EXPECT_TRUE(IsUtf8(cut)) << bytes;
  }
  EXPECT_EQ(CutUtf8(text, 100), text);
  EXPECT_EQ(CutUtf8("a\xC3\xA9", 2), "a");
  EXPECT_EQ(CutUtf8(std::string(10, '\x80'), 5).size(), 5u) << "bytes that are no characters";
}

TEST(Utf8, EscapesShowWhatIsNotText) {
  EXPECT_EQ(EscapedUtf8("STAT\xE9+\xC3\xA9"), "STAT\\xe9+\xC3\xA9");
  EXPECT_EQ(EscapedUtf8("plain"), "plain");
}

TEST(Utf8, OtherEncodingsAreRead) {
  EXPECT_EQ(Latin1ToUtf8("STAT\xE9"), "STAT\xC3\xA9");
  EXPECT_EQ(Utf16ToUtf8(absl::string_view("g\0\xE9\0\x3E\xD8\xEC\xDD", 8), true),
            "g\xC3\xA9\xF0\x9F\xA7\xAC");
  EXPECT_EQ(Utf16ToUtf8(absl::string_view("\0g\0\xE9", 4), false), "g\xC3\xA9");
  EXPECT_EQ(Utf16ToUtf8(absl::string_view("g\0\x3E\xD8x", 5), true), "g\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace unlasting
