// TLS, tokens, rates and what the log may hold, over real connections.
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/cli/exit_code.h"
#include "gmock/gmock.h"
#include "server/base/logging.h"
#include "tests/server/served.h"
#include "tests/support/certificates.h"
#include "tests/support/wait_until.h"

namespace unlasting::server {
namespace {

using test::Answer;
using test::Authority;
using test::Served;
using test::SomeRequest;
using testing::HasSubstr;

class TlsTest : public testing::Test {
 protected:
  TlsTest() : authority_(folder_.At("ca")) { authority_.Sign("server", folder_.At("server")); }

  ServerConfig Config() const {
    ServerConfig config = test::TestConfig();
    config.mutable_tls()->set_certificate(folder_.At("server.pem"));
    config.mutable_tls()->set_key(folder_.At("server.key"));
    config.mutable_tls()->set_refresh_seconds(1);
    config.set_health_listen("127.0.0.1:0");
    return config;
  }

  // Lists models over a connection of its own; `stem` names the client's certificate.
  static grpc::Status Call(const Served& served, const std::string& ca,
                           const std::string& stem = "") {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = *ReadFile(ca);
    if (!stem.empty()) {
      options.pem_cert_chain = *ReadFile(stem + ".pem");
      options.pem_private_key = *ReadFile(stem + ".key");
    }
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(served.port()),
                                                   grpc::SslCredentials(options), arguments);
    const auto stub = v1::ModelService::NewStub(channel);
    grpc::ClientContext context;
    v1::ListModelsResponse response;
    return stub->ListModels(&context, {}, &response);
  }

  test::TempFolder folder_;
  const Authority authority_;
};

TEST_F(TlsTest, CallersThatTrustTheAuthorityAreServedAndPlaintextIsNot) {
  Served served(Config());
  EXPECT_TRUE(Call(served, authority_.certificate()).ok());
  const Authority stranger(folder_.At("stranger"));
  EXPECT_EQ(Call(served, stranger.certificate()).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(served.Predict(SomeRequest()).status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, MutualTlsAsksForACertificateOfTheAuthority) {
  ServerConfig config = Config();
  config.mutable_tls()->set_client_ca(authority_.certificate());
  Served served(config);
  authority_.Sign("lab", folder_.At("lab"));
  EXPECT_TRUE(Call(served, authority_.certificate(), folder_.At("lab")).ok());
  EXPECT_FALSE(Call(served, authority_.certificate()).ok());
  const Authority stranger(folder_.At("stranger"));
  stranger.Sign("lab", folder_.At("forged"));
  EXPECT_FALSE(Call(served, authority_.certificate(), folder_.At("forged")).ok());
}

TEST_F(TlsTest, ANewCertificateIsTakenWithoutARestart) {
  Served served(Config());
  ASSERT_TRUE(Call(served, authority_.certificate()).ok());
  const Authority next(folder_.At("next"));
  next.Sign("server", folder_.At("renewed"));
  std::filesystem::rename(folder_.At("renewed.key"), folder_.At("server.key"));
  std::filesystem::rename(folder_.At("renewed.pem"), folder_.At("server.pem"));
  ASSERT_TRUE(test::WaitUntil([&] { return Call(served, next.certificate()).ok(); }));
  EXPECT_FALSE(Call(served, authority_.certificate()).ok());
}

TEST_F(TlsTest, AHalfRenewedPairIsPassedOverInEitherOrder) {
  Served served(Config());
  ASSERT_TRUE(Call(served, authority_.certificate()).ok());
  std::string trusted = authority_.certificate();
  for (const bool key_first : {false, true}) {
    const std::string stem = folder_.At(key_first ? "first" : "second");
    const Authority next(stem);
    next.Sign("server", folder_.At("renewed"));
    const auto replace = [this](const std::string& extension) {
      std::filesystem::rename(folder_.At("renewed" + extension), folder_.At("server" + extension));
    };
    replace(key_first ? ".key" : ".pem");
    served.server().RequestReload();
    // Several looks at the files fall into this time; no handshake may fail.
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    ASSERT_TRUE(test::WaitUntil([&] {
      EXPECT_TRUE(Call(served, trusted).ok());
      return std::chrono::steady_clock::now() > end;
    }));
    replace(key_first ? ".pem" : ".key");
    EXPECT_TRUE(test::WaitUntil([&] { return Call(served, next.certificate()).ok(); }));
    trusted = next.certificate();
  }
}

TEST_F(TlsTest, FilesThatAreNotSoundAreNamedAtTheStart) {
  const auto message = [](const ServerConfig& config) {
    const absl::Status status = Server::Start(config, Clock::Steady()).status();
    EXPECT_EQ(cli::ExitCode(status), 2);
    return std::string(status.message());
  };
  ServerConfig config = Config();
  config.mutable_tls()->set_key(folder_.At("ca.key"));
  EXPECT_THAT(message(config), HasSubstr("is not the private key"));
  config.mutable_tls()->set_key(folder_.At("server.pem"));
  EXPECT_THAT(message(config), HasSubstr("expected a private key"));
  config = Config();
  config.mutable_tls()->set_certificate(folder_.At("server.key"));
  EXPECT_THAT(message(config), HasSubstr("expected a certificate"));
  config = Config();
  config.mutable_tls()->set_client_ca(folder_.At("absent.pem"));
  EXPECT_THAT(message(config), HasSubstr("absent.pem"));
}

class TokenTest : public testing::Test {
 protected:
  TokenTest() { Write("alice", "a"); }

  void Write(const std::string& name, const std::string& token) const {
    ASSERT_OK(WriteFileAtomically(folder_.At("tokens"),
                                  absl::StrCat(name, " predict ", Sha256(token), "\n")));
  }

  ServerConfig Config() const {
    ServerConfig config = test::TestConfig();
    config.set_auth_tokens(folder_.At("tokens"));
    config.set_watch_seconds(0.01);
    return config;
  }

  const test::TempFolder folder_;
};

TEST_F(TokenTest, EveryMethodAsksForAToken) {
  Served served(Config());
  EXPECT_EQ(served.Predict(SomeRequest()).status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(served.Predict(SomeRequest()).reason(), "TOKEN_MISSING");
  {
    grpc::ClientContext context;
    v1::ListModelsResponse response;
    EXPECT_EQ(served.models().ListModels(&context, {}, &response).error_code(),
              grpc::StatusCode::UNAUTHENTICATED);
  }
  {
    grpc::ClientContext context;
    v1::GetModelResponse response;
    EXPECT_EQ(served.models().GetModel(&context, {}, &response).error_code(),
              grpc::StatusCode::UNAUTHENTICATED);
  }
  {
    grpc::ClientContext context;
    v1::FeaturizeMoleculeResponse response;
    EXPECT_EQ(served.predictions().FeaturizeMolecule(&context, {}, &response).error_code(),
              grpc::StatusCode::UNAUTHENTICATED);
  }
  {
    grpc::ClientContext context;
    v1::RegisterControlsResponse response;
    const auto writer = served.predictions().RegisterControls(&context, &response);
    writer->WritesDone();
    EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  }
  served.set_token("a");
  EXPECT_TRUE(served.Predict(SomeRequest()).status.ok());
  served.set_token("b");
  EXPECT_EQ(served.Predict(SomeRequest()).reason(), "TOKEN_UNKNOWN");
}

TEST_F(TokenTest, TokensChangeWithoutARestart) {
  Served served(Config());
  Write("bob", "b");
  served.set_token("b");
  ASSERT_TRUE(test::WaitUntil([&] { return served.Predict(SomeRequest()).status.ok(); }));
  served.set_token("a");
  EXPECT_EQ(served.Predict(SomeRequest()).reason(), "TOKEN_UNKNOWN");
}

TEST_F(TokenTest, ABrokenFileIsNamedAtTheStart) {
  ASSERT_OK(WriteFileAtomically(folder_.At("tokens"), "alice predict a\n"));
  const absl::Status status = Server::Start(Config(), Clock::Steady()).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder_.At("tokens")));
  EXPECT_EQ(cli::ExitCode(status), 2);
}

TEST(ServerSecurity, TooManyCallsAreToldWhenToComeBack) {
  ServerConfig config = test::TestConfig();
  config.mutable_limits()->set_requests_per_second(0.001);
  config.mutable_limits()->set_burst_requests(2);
  Served served(config);
  EXPECT_TRUE(served.Predict(SomeRequest()).status.ok());
  EXPECT_TRUE(served.Predict(SomeRequest()).status.ok());
  const Answer answer = served.Predict(SomeRequest());
  EXPECT_EQ(answer.reason(), "RATE_LIMITED");
  EXPECT_EQ(answer.trailers.count("grpc-retry-pushback-ms"), 1u);
  EXPECT_FALSE(answer.initial_metadata);
}

TEST(ServerSecurity, TheRequestIdComesBackWhateverTheOutcome) {
  Served served;
  for (const bool sound : {true, false}) {
    grpc::ClientContext context;
    context.AddMetadata("x-request-id", "job-17");
    v1::PredictRequest request = SomeRequest();
    if (!sound) request.clear_perturbations();
    const auto reader = served.predictions().Predict(&context, request);
    const Answer answer = Served::ReadAll(&context, reader.get());
    EXPECT_EQ(answer.status.ok(), sound);
    ASSERT_EQ(answer.trailers.count("x-request-id"), 1u);
    EXPECT_EQ(answer.trailers.find("x-request-id")->second, "job-17");
  }
  EXPECT_EQ(served.Predict(SomeRequest()).trailers.count("x-request-id"), 1u);
}

TEST(ServerSecurity, MetadataBeyondTheLimitIsRefused) {
  Served served;
  grpc::ClientContext context;
  context.AddMetadata("x-big", std::string(100000, 'x'));
  const auto reader = served.predictions().Predict(&context, SomeRequest());
  EXPECT_FALSE(Served::ReadAll(&context, reader.get()).status.ok());
  // The refusal may take the connection with it; the call that finds it gone is not the server's.
  bool served_again = false;
  for (int k = 0; k < 3 && !served_again; ++k) {
    served_again = served.Predict(SomeRequest()).status.ok();
  }
  EXPECT_TRUE(served_again);
}

TEST(ServerSecurity, TheLogHoldsNothingOfARequest) {
  testing::internal::CaptureStderr();
  {
    Served served;
    ASSERT_OK(SetUpLogging("json", "debug"));
    v1::PredictRequest request = SomeRequest();
    request.mutable_cells()->add_cell_ids("barcode-of-patient-1");
    request.mutable_cells()->add_cell_ids("barcode-of-patient-2");
    request.mutable_cells()->add_cell_ids("barcode-of-patient-3");
    EXPECT_TRUE(served.Predict(request).status.ok());
    request.mutable_perturbations(0)->mutable_genes()->set_genes(0, "SECRETGENE");
    EXPECT_FALSE(served.Predict(request).status.ok());
    request.set_model("secret-model");
    EXPECT_FALSE(served.Predict(request).status.ok());
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("UNKNOWN_GENE"));
  EXPECT_THAT(log, HasSubstr("request_id"));
  for (const char* content : {"SECRETGENE", "barcode-of-patient", "secret-model", "G1"}) {
    EXPECT_THAT(log, testing::Not(HasSubstr(content)));
  }
}

}  // namespace
}  // namespace unlasting::server
