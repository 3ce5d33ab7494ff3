#include "server/rpc/grpc_status.h"

#include "core/base/status.h"
#include "core/base/utf8.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "server/base/retry_delay.h"
#include "server/base/violations.h"

namespace unlasting::server {
namespace {

google::rpc::Status DetailsOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

template <typename Message>
Message Detail(const grpc::Status& status) {
  Message message;
  const google::rpc::Status details = DetailsOf(status);
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&message)) return message;
  }
  ADD_FAILURE() << "no " << Message::descriptor()->full_name();
  return message;
}

TEST(GrpcStatus, OkStaysOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok()); }

TEST(GrpcStatus, AlwaysHoldAReasonAndTheDomain) {
  const grpc::Status with =
      ToGrpcStatus(WithReason(absl::NotFoundError("no such model"), "UNKNOWN_MODEL"));
  EXPECT_EQ(with.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(with.error_message(), "no such model");
  EXPECT_EQ(Detail<google::rpc::ErrorInfo>(with).reason(), "UNKNOWN_MODEL");
  EXPECT_EQ(Detail<google::rpc::ErrorInfo>(with).domain(), "unlasting");
  EXPECT_EQ(DetailsOf(with).code(), 5);
  const grpc::Status without = ToGrpcStatus(absl::InternalError("torn"));
  EXPECT_EQ(Detail<google::rpc::ErrorInfo>(without).reason(), "INTERNAL");
}

TEST(GrpcStatus, RetryInfoCarriesTheDelay) {
  const absl::Status status =
      WithRetryDelay(absl::ResourceExhaustedError("full"), absl::Milliseconds(1250));
  const auto info = Detail<google::rpc::RetryInfo>(ToGrpcStatus(status));
  EXPECT_EQ(info.retry_delay().seconds(), 1);
  EXPECT_EQ(info.retry_delay().nanos(), 250000000);
}

TEST(GrpcStatus, BadRequestNamesEveryField) {
  Violations violations;
  violations.Add("a", "INVALID_DOSE", "found 0");
  violations.Add("b", WithReason(absl::InvalidArgumentError("found X"), "INVALID_VALUE"));
  const auto request = Detail<google::rpc::BadRequest>(ToGrpcStatus(violations.ToStatus()));
  ASSERT_EQ(request.field_violations_size(), 2);
  EXPECT_EQ(request.field_violations(0).field(), "a");
  EXPECT_EQ(request.field_violations(1).reason(), "INVALID_VALUE");
  EXPECT_EQ(request.field_violations(1).description(), "found X");
}

TEST(GrpcStatus, TrailersStaySmallHoweverManyThereAre) {
  Violations violations;
  for (int k = 0; k < 5000; ++k) {
    violations.Add("perturbations[" + std::to_string(k) + "]", "UNKNOWN_GENE",
                   std::string(10000, 'x'));
  }
  const grpc::Status status = ToGrpcStatus(violations.ToStatus());
  EXPECT_LT(status.error_details().size(), 4500u);
  EXPECT_LT(status.error_message().size(), 1600u);
  EXPECT_EQ(Detail<google::rpc::ErrorInfo>(status).reason(), "UNKNOWN_GENE");
  EXPECT_GE(Detail<google::rpc::BadRequest>(status).field_violations_size(), 1);
}

// Bytes of the two trailers, as the base64 and the percent encoding of gRPC make them.
size_t TrailerBytes(const grpc::Status& status) {
  size_t bytes = (status.error_details().size() + 2) / 3 * 4;
  for (const char letter : status.error_message()) {
    bytes += letter >= ' ' && letter <= '~' && letter != '%' ? 1 : 3;
  }
  return bytes;
}

TEST(GrpcStatus, WhateverIsQuotedTheDetailsCanBeRead) {
  for (const std::string& letter : {"\xC3\xA9", "\xD0\x96", "\xF0\x9F\xA7\xAC", "\xE9", "%"}) {
    std::string name = "x";
    while (name.size() < 5000) name += letter;
    const grpc::Status plain = ToGrpcStatus(absl::NotFoundError("found '" + name + "'"));
    EXPECT_LE(TrailerBytes(plain), 7500u);
    EXPECT_TRUE(IsUtf8(plain.error_message()));
    EXPECT_EQ(Detail<google::rpc::ErrorInfo>(plain).reason(), "NOT_FOUND");

    Violations violations;
    for (int k = 0; k < 100; ++k) violations.Add("cells", "UNKNOWN_GENE", name);
    const grpc::Status many = ToGrpcStatus(violations.ToStatus());
    EXPECT_LE(TrailerBytes(many), 7500u);
    EXPECT_TRUE(IsUtf8(many.error_message()));
    EXPECT_NE(many.error_message().find("(100 bad fields in all)"), std::string::npos);
    EXPECT_GE(Detail<google::rpc::BadRequest>(many).field_violations_size(), 1);
  }
}

TEST(GrpcStatus, SaysHowManyBadFieldsItDoesNotName) {
  Violations violations;
  for (int k = 0; k < 300; ++k) {
    violations.Add("perturbations[" + std::to_string(k) + "]", "UNKNOWN_GENE",
                   std::string(60, 'x'));
  }
  const grpc::Status status = ToGrpcStatus(violations.ToStatus());
  const auto info = Detail<google::rpc::ErrorInfo>(status);
  EXPECT_EQ(info.metadata().at("bad_fields"), "300");
  const int listed = Detail<google::rpc::BadRequest>(status).field_violations_size();
  EXPECT_LT(listed, 100);
  EXPECT_EQ(info.metadata().at("bad_fields_listed"), std::to_string(listed));
}

}  // namespace
}  // namespace unlasting::server
