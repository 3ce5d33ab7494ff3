#include "server/base/file_identity.h"

#include <filesystem>

#include "core/base/file.h"
#include "gtest/gtest.h"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

TEST(FileIdentity, SeesWritesReplacementsAndLinksThatLeadElsewhere) {
  const test::TempFolder folder;
  EXPECT_FALSE(IdentityOf(folder.At("a")).exists);
  ASSERT_OK(WriteFileAtomically(folder.At("a"), "1"));
  ASSERT_OK(WriteFileAtomically(folder.At("b"), "1"));
  const FileIdentity first = IdentityOf(folder.At("a"));
  EXPECT_EQ(first, IdentityOf(folder.At("a")));
  EXPECT_NE(first, IdentityOf(folder.At("b")));

  std::filesystem::create_symlink("a", folder.At("link"));
  EXPECT_EQ(IdentityOf(folder.At("link")), first);
  std::filesystem::create_symlink("b", folder.At("next"));
  std::filesystem::rename(folder.At("next"), folder.At("link"));
  EXPECT_NE(IdentityOf(folder.At("link")), first);

  ASSERT_OK(WriteFileAtomically(folder.At("a"), "1"));
  EXPECT_NE(IdentityOf(folder.At("a")), first);
}

}  // namespace
}  // namespace unlasting::server
