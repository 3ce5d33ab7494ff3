#include "server/rpc/grpc_status.h"

#include "core/base/status.h"
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

}  // namespace
}  // namespace unlasting::server
