#include "server/rpc/grpc_status.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/base/utf8.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/base/violations.h"

namespace unlasting::server {
namespace {

constexpr char kTypePrefix[] = "type.googleapis.com/";
// Trailers count towards the peer's limit on metadata, which is 8 KiB by default: the details in
// base64, the message with three bytes for each that is not printable ASCII. Details beyond this
// size are left out, longest first.
constexpr size_t kMaxDetailBytes = 4000;
constexpr size_t kMaxMessageBytes = 1500;

// Keys of ErrorInfo.metadata: how many fields were bad, and how many of them BadRequest names.
constexpr char kBadFields[] = "bad_fields";
constexpr char kBadFieldsListed[] = "bad_fields_listed";

// Bytes of `text` as gRPC writes it into the trailer grpc-message.
size_t PercentEncodedBytes(absl::string_view text) {
  size_t bytes = 0;
  for (const char letter : text) {
    bytes += letter >= ' ' && letter <= '~' && letter != '%' ? 1 : 3;
  }
  return bytes;
}

// `message` without its end where the trailer would be too long, and then `what_follows`.
std::string BoundedMessage(absl::string_view message, const std::string& what_follows) {
  const std::string text = EscapedUtf8(message);
  if (PercentEncodedBytes(text) <= kMaxMessageBytes) return text;
  const std::string end = absl::StrCat("...", what_follows);
  absl::string_view cut = CutUtf8(text, kMaxMessageBytes - end.size());
  while (PercentEncodedBytes(cut) + end.size() > kMaxMessageBytes) {
    cut = CutUtf8(cut, cut.size() - 1);
  }
  return absl::StrCat(cut, end);
}

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

using Payloads = std::vector<std::pair<std::string, std::string>>;

// The google.rpc payloads of `status`. ForEachPayload has no fixed order: short details, such as
// RetryInfo, go before long ones.
Payloads DetailsOf(const absl::Status& status) {
  Payloads payloads;
  status.ForEachPayload([&payloads](absl::string_view url, const absl::Cord& payload) {
    if (absl::StartsWith(url, kTypePrefix)) {
      payloads.emplace_back(std::string(url), std::string(payload));
    }
  });
  std::sort(payloads.begin(), payloads.end(),
            [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  return payloads;
}

// Adds what fits of `payloads`; the number of field violations among it.
int AddPayloads(const Payloads& payloads, google::rpc::Status* details) {
  int listed = 0;
  for (const auto& [url, payload] : payloads) {
    const size_t used = details->ByteSizeLong();
    const std::string value =
        used < kMaxDetailBytes ? Shortened(payload, kMaxDetailBytes - used) : "";
    if (value.empty()) continue;
    google::protobuf::Any* any = details->add_details();
    any->set_type_url(url);
    any->set_value(value);
    google::rpc::BadRequest bad_request;
    if (any->UnpackTo(&bad_request)) listed += bad_request.field_violations_size();
  }
  return listed;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const auto count = status.GetPayload(kViolationCountUrl);
  const std::string bad_fields = count.has_value() ? std::string(*count) : "";
  const std::string message =
      BoundedMessage(status.message(), bad_fields.empty() || bad_fields == "1"
                                           ? ""
                                           : absl::StrCat(" (", bad_fields, " bad fields in all)"));
  google::rpc::ErrorInfo info;
  const std::string reason = ReasonOf(status);
  info.set_reason(reason.empty() ? absl::StatusCodeToString(status.code()) : reason);
  info.set_domain(kErrorDomain);
  if (!bad_fields.empty()) {
    (*info.mutable_metadata())[kBadFields] = bad_fields;
    (*info.mutable_metadata())[kBadFieldsListed] = bad_fields;
  }

  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(message);
  details.add_details()->PackFrom(info);
  const int listed = AddPayloads(DetailsOf(status), &details);
  if (!bad_fields.empty()) {
    (*info.mutable_metadata())[kBadFieldsListed] = absl::StrCat(listed);
    details.mutable_details(0)->PackFrom(info);
  }
  // The two enums have the same numbers.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message,
                      details.SerializeAsString());
}

}  // namespace unlasting::server
