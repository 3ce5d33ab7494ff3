#include "server/models/evaluator.h"

#include "gmock/gmock.h"
#include "tests/server/server_support.h"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

using ::testing::HasSubstr;

TEST(EvaluatorTest, TheFusedEvaluatorIsMadeWithoutAnyLibrary) {
  const auto engine = MakeEngine("fused", test::TinyBundle(), predict::EngineOptions());
  ASSERT_OK(engine);
  EXPECT_EQ(&(*engine)->bundle(), test::TinyBundle().get());
}

// The tiny bundle's source.pt is text: what refuses it is LibTorch, so the library was opened.
TEST(EvaluatorTest, TorchScriptIsMadeByTheLibraryBesideThePrograms) {
  const auto engine = MakeEngine("torchscript", test::TinyBundle(), predict::EngineOptions());
  EXPECT_EQ(engine.status().code(), absl::StatusCode::kInvalidArgument) << engine.status();
  EXPECT_THAT(std::string(engine.status().message()),
              HasSubstr("source.pt: not a TorchScript file"));
}

TEST(EvaluatorTest, AnyOtherNameIsRefused) {
  const auto engine = MakeEngine("abacus", test::TinyBundle(), predict::EngineOptions());
  EXPECT_EQ(engine.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(engine.status().message()), HasSubstr("fused or torchscript"));
}

}  // namespace
}  // namespace unlasting::server
