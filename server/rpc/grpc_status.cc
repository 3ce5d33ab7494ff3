#include "server/rpc/grpc_status.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "core/base/status.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace unlasting::server {
namespace {

constexpr char kTypePrefix[] = "type.googleapis.com/";
// Trailers count, in base64, towards the peer's limit on metadata, which is 8 KiB by default.
// Details beyond this size are left out, longest first.
constexpr size_t kMaxDetailBytes = 4000;
constexpr size_t kMaxMessageBytes = 1500;

// `payload`, without the last field violations of a BadRequest where it is longer than `max_bytes`.
// "" where it cannot be made short enough.
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

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message = std::string(status.message()).substr(0, kMaxMessageBytes);
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
  // ForEachPayload has no fixed order. Short details, such as RetryInfo, go before long ones.
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
  // The two enums have the same numbers.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message,
                      details.SerializeAsString());
}

}  // namespace unlasting::server
