// What the reader of requests of the Open Inference Protocol makes of one, for tests.
#pragma once

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "server/base/violations.h"
#include "server/inference/infer_request.h"

namespace unlasting::test {

inline absl::StatusOr<server::InferRequest> Read(inference::ModelInferRequest request) {
  return server::ReadInferRequest({}, &request);
}

// "field reason" of every violation.
inline std::vector<std::string> Refusals(const inference::ModelInferRequest& request) {
  const auto read = Read(request);
  if (read.ok()) return {};
  EXPECT_TRUE(absl::IsInvalidArgument(read.status())) << read.status();
  google::rpc::BadRequest bad_request;
  const auto payload = read.status().GetPayload(server::kBadRequestUrl);
  EXPECT_TRUE(payload.has_value() && bad_request.ParseFromString(std::string(*payload)));
  std::vector<std::string> found;
  for (const auto& violation : bad_request.field_violations()) {
    EXPECT_THAT(violation.description(), testing::HasSubstr("expected"));
    found.push_back(violation.field() + " " + violation.reason());
  }
  return found;
}

}  // namespace unlasting::test
