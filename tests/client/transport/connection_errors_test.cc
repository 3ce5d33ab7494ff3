// Why a server cannot be reached, in a user's words.
#include "client/transport/connection_errors.h"

#include <cstdlib>

#include "client/transport/bad_fields.h"
#include "client/transport/client.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "tests/server/served.h"
#include "tests/support/certificates.h"
#include "tests/support/files.h"

namespace unlasting::client {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string ConnectError(ClientOptions options) {
  options.connect_timeout = absl::Milliseconds(300);
  const auto client = Client::Connect(options);
  EXPECT_FALSE(client.ok());
  return std::string(client.status().message());
}

TEST(ConnectionErrors, AddressesAreCheckedBeforeAnythingIsSent) {
  for (const char* good :
       {"localhost:1", "10.0.0.1:65535", "[::1]:50051", "unix:/run/u.sock", "dns:///host:1"}) {
    EXPECT_TRUE(CheckAddress(good).ok()) << good;
  }
  for (const char* bad : {"http://localhost:1", "https://h/p", "localhost", "localhost:99999",
                          "localhost:0", "localhost:grpc", "::1", "[::1]", ":50051", ""}) {
    const absl::Status status = CheckAddress(bad);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(std::string(status.message()), HasSubstr("PORT")) << bad;
  }
  EXPECT_THAT(ConnectError({"http://127.0.0.1:1"}), HasSubstr("without 'http://'"));
}

TEST(ConnectionErrors, EachCauseHasItsOwnWords) {
  EXPECT_THAT(ConnectError({"127.0.0.1:1"}), HasSubstr("connection refused"));
  EXPECT_THAT(ConnectError({"unix:/no/such.sock"}), HasSubstr("unix socket"));
  EXPECT_THAT(
      ExplainConnection("DNS resolution failed for h:1: C-ares status is not ARES_SUCCESS", false),
      HasSubstr("no such host"));
  EXPECT_THAT(ExplainConnection("Ssl handshake failed: SSL_ERROR_SSL: error:1000007d:SSL routines:"
                                "OPENSSL_internal:CERTIFICATE_VERIFY_FAILED",
                                true),
              HasSubstr("wrong certificate"));
  EXPECT_THAT(
      ExplainConnection("SSL_ERROR_SSL: error:0A00010B:SSL routines::wrong version number", true),
      HasSubstr("does not speak TLS"));
  EXPECT_THAT(ExplainConnection("Socket closed", false), HasSubstr("may expect TLS"));
  EXPECT_THAT(ExplainConnection("HTTP proxy returned response code 403", false),
              HasSubstr("proxy refuses to connect to the server"));
  EXPECT_EQ(ExplainConnection("the server is draining", false), "the server is draining");
}

TEST(ConnectionErrors, TlsAgainstPlaintextIsSaid) {
  test::Served served;
  ClientOptions options;
  options.address = "127.0.0.1:" + std::to_string(served.port());
  const test::TempFolder folder;
  options.tls_ca = test::Authority(folder.At("ca")).certificate();
  EXPECT_THAT(ConnectError(options), HasSubstr("TLS"));
}

TEST(ConnectionErrors, AProxyIsNamedWithoutItsPassword) {
  ASSERT_EQ(setenv("grpc_proxy", "http://user:secret@127.0.0.1:1", 1), 0);
  const std::string hint = ProxyHint("10.1.2.3:50051");
  ASSERT_EQ(setenv("no_proxy", "10.1.2.3", 1), 0);
  const std::string direct = ProxyHint("10.1.2.3:50051");
  unsetenv("grpc_proxy");
  unsetenv("no_proxy");
  EXPECT_THAT(hint, HasSubstr("127.0.0.1:1"));
  EXPECT_THAT(hint, HasSubstr("grpc_proxy"));
  EXPECT_THAT(hint, Not(HasSubstr("secret")));
  EXPECT_EQ(direct, "");
}

TEST(BadPerturbations, AreThoseThatTheServerNames) {
  google::rpc::BadRequest request;
  const auto add = [&request](const std::string& field) {
    auto* violation = request.add_field_violations();
    violation->set_field(field);
    violation->set_reason("UNKNOWN_GENE");
    violation->set_description("found X");
  };
  const auto of = [&request] {
    absl::Status status = absl::NotFoundError("bad");
    status.SetPayload(kBadRequestUrl, absl::Cord(request.SerializeAsString()));
    return BadPerturbations(status);
  };
  EXPECT_TRUE(BadPerturbations(absl::NotFoundError("plain")).empty());
  add("perturbations[3].genes");
  add("perturbations[17].molecule.dose");
  const auto bad = of();
  ASSERT_EQ(bad.size(), 2u);
  EXPECT_EQ(bad.at(17).reason, "UNKNOWN_GENE");
  EXPECT_EQ(bad.at(3).message, "found X");
  add("panel.cell_type");
  EXPECT_TRUE(of().empty()) << "then the whole request is wrong";
}

}  // namespace
}  // namespace unlasting::client
