#include "server/base/error_details.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "core/base/status.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace unlasting::server {
namespace {

constexpr char kTypePrefix[] = "type.googleapis.com/";
constexpr char kRetryInfoUrl[] = "type.googleapis.com/google.rpc.RetryInfo";
// Trailers count, in base64, against the peer's limit on metadata, 8 KiB by default: details beyond
// this are left out, longest first.
constexpr size_t kMaxDetailBytes = 4000;
constexpr size_t kLongestMessage = 1500;

// BadRequest entries are dropped from the end until the message fits.
std::string Shortened(const std::string& payload, size_t max_bytes) {
  if (payload.size() <= max_bytes) return payload;
  google::rpc::BadRequest bad_request;
  if (!bad_request.ParseFromString(payload)) return "";
  while (bad_request.field_violations_size() > 1 && bad_request.ByteSizeLong() > max_bytes) {
    bad_request.mutable_field_violations()->RemoveLast();
  }
  return bad_request.ByteSizeLong() <= max_bytes ? bad_request.SerializeAsString() : "";
}

}  // namespace

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  google::rpc::RetryInfo info;
  const int64_t nanoseconds = absl::ToInt64Nanoseconds(delay);
  info.mutable_retry_delay()->set_seconds(nanoseconds / 1000000000);
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(nanoseconds % 1000000000));
  status.SetPayload(kRetryInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

absl::Duration RetryDelayOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryInfoUrl);
  google::rpc::RetryInfo info;
  if (!payload.has_value() || !info.ParseFromString(std::string(*payload))) {
    return absl::ZeroDuration();
  }
  return absl::Seconds(info.retry_delay().seconds()) +
         absl::Nanoseconds(info.retry_delay().nanos());
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message = std::string(status.message()).substr(0, kLongestMessage);
  google::rpc::ErrorInfo info;
  const std::string reason = ReasonOf(status);
  info.set_reason(reason.empty() ? absl::StatusCodeToString(status.code()) : reason);
  info.set_domain(kErrorDomain);

  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(message);
  details.add_details()->PackFrom(info);
  std::vector<std::pair<std::string, std::string>> payloads;
  status.ForEachPayload([&payloads](absl::string_view url, const absl::Cord& payload) {
    if (absl::StartsWith(url, kTypePrefix)) {
      payloads.emplace_back(std::string(url), std::string(payload));
    }
  });
  // Payloads come in no fixed order; RetryInfo, which is short, goes before BadRequest.
  std::sort(payloads.begin(), payloads.end(),
            [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  for (const auto& [url, payload] : payloads) {
    const size_t used = details.ByteSizeLong();
    const std::string value =
        used < kMaxDetailBytes ? Shortened(payload, kMaxDetailBytes - used) : "";
    if (value.empty()) continue;
    google::protobuf::Any* any = details.add_details();
    any->set_type_url(url);
    any->set_value(value);
  }
  // absl's codes are gRPC's.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message,
                      details.SerializeAsString());
}

}  // namespace unlasting::server
