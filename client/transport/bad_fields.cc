#include "client/transport/bad_fields.h"

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"

namespace unlasting::client {

std::map<int, BadPerturbation> BadPerturbations(const absl::Status& status) {
  constexpr char kOpening[] = "perturbations[";
  const auto payload = status.GetPayload(kBadRequestUrl);
  google::rpc::BadRequest request;
  if (!payload.has_value() || !request.ParseFromString(std::string(*payload))) return {};
  std::map<int, BadPerturbation> bad;
  for (const auto& violation : request.field_violations()) {
    absl::string_view field = violation.field();
    int index = 0;
    const size_t end = field.find(']');
    if (!absl::StartsWith(field, kOpening) || end == field.npos ||
        !absl::SimpleAtoi(field.substr(sizeof(kOpening) - 1, end - sizeof(kOpening) + 1), &index)) {
      return {};
    }
    BadPerturbation& entry = bad[index];
    if (entry.reason.empty()) entry.reason = violation.reason();
    absl::StrAppend(&entry.message, entry.message.empty() ? "" : "; ", violation.description());
  }
  return bad;
}

}  // namespace unlasting::client
