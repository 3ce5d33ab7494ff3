#include "core/cli/exit_code.h"

#include "gtest/gtest.h"

namespace unlasting::cli {
namespace {

std::string Reported(const absl::Status& status, int expected_code) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(ReportError("program", status), expected_code);
  return testing::internal::GetCapturedStderr();
}

TEST(ExitCode, TellsTheUsersMistakesFromOtherFailures) {
  EXPECT_EQ(ExitCode(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCode(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitCode(absl::NotFoundError("")), 2);
  EXPECT_EQ(ExitCode(absl::InternalError("")), 1);
  EXPECT_EQ(ExitCode(absl::CancelledError("")), 1);
}

TEST(ReportError, IsOneLineWhateverTheMessageHolds) {
  EXPECT_EQ(Reported(absl::NotFoundError("a.h5ad: not there"), 2), "program: a.h5ad: not there\n");
  EXPECT_EQ(Reported(absl::InternalError("a\nb\r\x1b[2Jc \u00b5M"), 1),
            "program: a b  [2Jc \u00b5M\n");
}

TEST(ReportError, SaysNothingOfSuccessNorOfAnErrorWithoutAMessage) {
  EXPECT_EQ(Reported(absl::OkStatus(), 0), "");
  EXPECT_EQ(Reported(absl::CancelledError(""), 1), "");
}

}  // namespace
}  // namespace unlasting::cli
