// Tokens, roles and rates, without a server.
#include <fstream>

#include "core/base/file.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/access/call_authorizer.h"
#include "server/access/rate_limiter.h"
#include "server/access/tokens.h"
#include "server/base/retry_delay.h"
#include "tests/server/server_support.h"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

using test::FakeClock;
using testing::HasSubstr;
using testing::Not;

std::string Line(const std::string& name, const std::string& roles, const std::string& token) {
  return absl::StrCat(name, " ", roles, " ", Sha256(token), "\n");
}

TEST(Tokens, AreReadWithNamesAndRoles) {
  const auto tokens = ParseTokens("# who calls\n\n" + Line("alice", "predict", "a") +
                                  "  deploy\tpredict,admin   " + Sha256("d") + "  \r\n");
  ASSERT_OK(tokens);
  ASSERT_EQ(tokens->size(), 2u);
  EXPECT_EQ(tokens->at(Sha256("a")).name, "alice");
  EXPECT_TRUE(tokens->at(Sha256("a")).Has(Role::kPredict));
  EXPECT_FALSE(tokens->at(Sha256("a")).Has(Role::kAdmin));
  EXPECT_TRUE(tokens->at(Sha256("d")).Has(Role::kAdmin));
}

TEST(Tokens, ErrorsNameTheLineAndNotWhatItHolds) {
  const auto message = [](const std::string& text) {
    const auto tokens = ParseTokens(text);
    EXPECT_EQ(tokens.status().code(), absl::StatusCode::kInvalidArgument) << text;
    return std::string(tokens.status().message());
  };
  EXPECT_THAT(message("alice predict\n"), HasSubstr("line 1"));
  EXPECT_THAT(message("# x\nalice predict plain-text-secret\n"), HasSubstr("line 2"));
  EXPECT_THAT(message("# x\nalice predict plain-text-secret\n"), Not(HasSubstr("secret")));
  EXPECT_THAT(message(Line("alice", "root", "a")), HasSubstr("roles"));
  EXPECT_THAT(message(Line("al=ice", "predict", "a")), HasSubstr("name"));
  EXPECT_THAT(message(Line("alice", "predict", "a") + Line("bob", "admin", "a")),
              HasSubstr("line 2"));
  EXPECT_THAT(message("# nobody\n"), HasSubstr("found none"));
}

TEST(Tokens, AFileIsReadAgainWhenItChangesAndABrokenOneChangesNothing) {
  const test::TempFolder folder;
  const std::string path = folder.At("tokens");
  ASSERT_OK(WriteFileAtomically(path, Line("alice", "predict", "a")));
  const auto file = TokenFile::Open(path);
  ASSERT_OK(file);
  EXPECT_EQ((*file)->Find("a")->name, "alice");
  EXPECT_EQ((*file)->Find("b"), nullptr);
  EXPECT_FALSE(*(*file)->ReadIfChanged());

  ASSERT_OK(WriteFileAtomically(path, Line("bob", "predict,admin", "b")));
  EXPECT_TRUE(*(*file)->ReadIfChanged());
  EXPECT_EQ((*file)->Find("a"), nullptr);
  EXPECT_EQ((*file)->Find("b")->name, "bob");

  ASSERT_OK(WriteFileAtomically(path, "rubbish\n"));
  EXPECT_THAT(std::string((*file)->ReadIfChanged().status().message()), HasSubstr(path));
  EXPECT_EQ((*file)->Find("b")->name, "bob");
  std::filesystem::remove(path);
  EXPECT_FALSE((*file)->ReadIfChanged().ok());
  EXPECT_EQ((*file)->Find("b")->name, "bob");
}

TEST(Tokens, AnAbsentFileIsNamed) {
  const test::TempFolder folder;
  const auto file = TokenFile::Open(folder.At("none"));
  EXPECT_EQ(file.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(file.status().message()), HasSubstr(folder.At("none")));
}

TEST(RateLimiter, AllowsABurstThenTheRate) {
  FakeClock clock;
  RateLimiter limiter({2, 3}, &clock);
  for (int k = 0; k < 3; ++k) EXPECT_EQ(limiter.Take("a"), absl::ZeroDuration());
  EXPECT_EQ(limiter.Take("a"), absl::Milliseconds(500));
  EXPECT_EQ(limiter.Take("a"), absl::Milliseconds(500)) << "a refusal costs nothing";
  clock.Advance(absl::Milliseconds(499));
  EXPECT_GT(limiter.Take("a"), absl::ZeroDuration());
  clock.Advance(absl::Milliseconds(1));
  EXPECT_EQ(limiter.Take("a"), absl::ZeroDuration());
  clock.Advance(absl::Hours(10));
  for (int k = 0; k < 3; ++k) EXPECT_EQ(limiter.Take("a"), absl::ZeroDuration());
  EXPECT_GT(limiter.Take("a"), absl::ZeroDuration()) << "a long rest gives one burst, no more";
}

TEST(RateLimiter, ClientsDoNotShare) {
  FakeClock clock;
  RateLimiter limiter({1, 1}, &clock);
  EXPECT_EQ(limiter.Take("a"), absl::ZeroDuration());
  EXPECT_EQ(limiter.Take("b"), absl::ZeroDuration());
  EXPECT_GT(limiter.Take("a"), absl::ZeroDuration());
}

TEST(RateLimiter, WithoutARateEverythingPasses) {
  FakeClock clock;
  RateLimiter limiter({0, 1}, &clock);
  for (int k = 0; k < 100; ++k) EXPECT_EQ(limiter.Take("a"), absl::ZeroDuration());
  EXPECT_EQ(limiter.clients(), 0u);
}

TEST(RateLimiter, AClockThatJumpsBackTakesNothingAway) {
  FakeClock clock;
  RateLimiter limiter({1, 2}, &clock);
  EXPECT_EQ(limiter.Take("a"), absl::ZeroDuration());
  clock.Advance(-absl::Hours(1));
  EXPECT_EQ(limiter.Take("a"), absl::ZeroDuration());
  EXPECT_EQ(limiter.Take("a"), absl::Seconds(1));
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(limiter.Take("a"), absl::ZeroDuration());
}

TEST(RateLimiter, ForgetsClientsThatRest) {
  FakeClock clock;
  RateLimiter limiter({1, 1}, &clock);
  for (int k = 0; k < 10000; ++k) {
    limiter.Take("client " + std::to_string(k));
    clock.Advance(absl::Milliseconds(10));
  }
  EXPECT_LE(limiter.clients(), 2048u);
}

class CallAuthorizerTest : public testing::Test {
 protected:
  CallAuthorizerTest() {
    EXPECT_TRUE(WriteFileAtomically(folder_.At("tokens"),
                                    Line("alice", "predict", "a") + Line("root", "admin", "r"))
                    .ok());
    tokens_ = *TokenFile::Open(folder_.At("tokens"));
  }

  static std::string ReasonFor(const CallAuthorizer& gate, const Credentials& credentials,
                               Role role) {
    return ReasonOf(gate.Admit(credentials, role).status());
  }

  test::TempFolder folder_;
  FakeClock clock_;
  RateLimiter limiter_{{1, 2}, &clock_};
  std::unique_ptr<TokenFile> tokens_;
};

TEST_F(CallAuthorizerTest, ATokenGivesANameAndItsRolesOnly) {
  const CallAuthorizer gate(tokens_.get(), &limiter_);
  EXPECT_EQ(*gate.Admit({"Bearer a", "", ""}, Role::kPredict), "token:alice");
  EXPECT_EQ(*gate.Admit({"bearer a", "", ""}, Role::kPredict), "token:alice");
  EXPECT_EQ(ReasonFor(gate, {"Bearer a", "", ""}, Role::kAdmin), "ROLE_REQUIRED");
  EXPECT_EQ(ReasonFor(gate, {"Bearer r", "", ""}, Role::kPredict), "ROLE_REQUIRED");
  EXPECT_EQ(*gate.Admit({"Bearer r", "", ""}, Role::kAdmin), "token:root");
}

TEST_F(CallAuthorizerTest, WithoutASoundTokenNobodyPasses) {
  const CallAuthorizer gate(tokens_.get(), &limiter_);
  for (const char* authorization : {"", "a", "Basic a", "Bearer", "Bearera"}) {
    EXPECT_EQ(ReasonFor(gate, {authorization, "cert", "ipv4:1.2.3.4:5"}, Role::kPredict),
              "TOKEN_MISSING");
  }
  for (const std::string& token : {std::string("b"), Sha256("a"), std::string(100000, 'x')}) {
    const auto status = gate.Admit({"Bearer " + token, "", ""}, Role::kPredict).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(ReasonOf(status), "TOKEN_UNKNOWN");
    EXPECT_EQ(status.message(), "the token is not one of this server's") << "and says no more";
  }
}

TEST_F(CallAuthorizerTest, WithoutTokensTheCertificateOrTheAddressNamesTheCaller) {
  const CallAuthorizer gate(nullptr, &limiter_);
  EXPECT_EQ(*gate.Admit({"", "lab.example", "ipv4:10.0.0.7:41"}, Role::kPredict),
            "certificate:lab.example");
  EXPECT_EQ(*gate.Admit({"", "", "ipv4:10.0.0.7:41"}, Role::kPredict), "ipv4:10.0.0.7");
  EXPECT_EQ(AddressOfPeer("ipv6:%5B::1%5D:41"), "ipv6:%5B::1%5D");
  EXPECT_EQ(AddressOfPeer("unix:/run/x"), "unix:/run/x");
  EXPECT_EQ(AddressOfPeer(""), "");
  EXPECT_EQ(ReasonFor(gate, {"", "lab.example", ""}, Role::kAdmin), "ROLE_REQUIRED");
}

TEST_F(CallAuthorizerTest, TooManyCallsAreToldWhenToComeBack) {
  const CallAuthorizer gate(tokens_.get(), &limiter_);
  const Credentials alice = {"Bearer a", "", ""};
  ASSERT_OK(gate.Admit(alice, Role::kPredict));
  ASSERT_OK(gate.Admit(alice, Role::kPredict));
  const absl::Status refused = gate.Admit(alice, Role::kPredict).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), "RATE_LIMITED");
  EXPECT_EQ(RetryDelayOf(refused), absl::Seconds(1));
  clock_.Advance(absl::Seconds(1));
  ASSERT_OK(gate.Admit(alice, Role::kPredict));
}

}  // namespace
}  // namespace unlasting::server
