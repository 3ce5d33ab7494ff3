#include "server/request/inflate.h"

#include "core/base/status.h"
#include "gtest/gtest.h"
#include "tests/server/gzip.h"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

using test::Gzip;

absl::Status Allow(int64_t) { return absl::OkStatus(); }

TEST(Inflater, UndoesGzipInPiecesOfAnySize) {
  std::string text;
  for (int k = 0; k < 100000; ++k) text += static_cast<char>(int64_t{k} * k % 251);
  const std::string packed = Gzip(text);
  ASSERT_TRUE(IsGzip(packed));
  for (const size_t size : {size_t{1}, size_t{1000}, packed.size()}) {
    Inflater inflater(static_cast<int64_t>(text.size()));
    std::string inflated;
    for (size_t at = 0; at < packed.size(); at += size) {
      ASSERT_OK(inflater.Add(absl::string_view(packed).substr(at, size), &inflated, Allow));
    }
    ASSERT_OK(inflater.Complete());
    EXPECT_EQ(inflated, text);
  }
}

TEST(Inflater, StopsAtTheLimitAndAsksBeforeItTakesMemory) {
  const std::string bomb = Gzip(std::string(50 << 20, '\0'));
  ASSERT_LT(bomb.size(), size_t{100000});
  Inflater inflater(1 << 20);
  std::string text;
  int64_t reserved = 0;
  const absl::Status status = inflater.Add(bomb, &text, [&reserved](int64_t more) {
    reserved += more;
    return absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsOutOfRange(status)) << status;
  EXPECT_LE(reserved, (1 << 20) + 1);
  EXPECT_LE(text.capacity(), size_t{3} << 20);

  Inflater refused(1 << 30);
  std::string none;
  EXPECT_TRUE(absl::IsResourceExhausted(
      refused.Add(bomb, &none, [](int64_t) { return absl::ResourceExhaustedError("full"); })));
  EXPECT_EQ(none.size(), 0u);
}

TEST(Inflater, DamagedCutAndTrailingBytesAreMalformed) {
  const std::string packed = Gzip("the cells of a patient");
  std::string text;
  Inflater cut(100);
  ASSERT_OK(cut.Add(packed.substr(0, packed.size() - 4), &text, Allow));
  EXPECT_EQ(ReasonOf(cut.Complete()), "MALFORMED_REQUEST");
  std::string damaged = packed;
  damaged[packed.size() / 2] ^= 0x55;
  Inflater broken(100);
  text.clear();
  EXPECT_EQ(ReasonOf(broken.Add(damaged, &text, Allow)), "MALFORMED_REQUEST");
  Inflater twice(100);
  text.clear();
  EXPECT_EQ(ReasonOf(twice.Add(packed + packed, &text, Allow)), "MALFORMED_REQUEST");
}

}  // namespace
}  // namespace unlasting::server
