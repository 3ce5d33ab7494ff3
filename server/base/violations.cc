#include "server/base/violations.h"

#include "core/base/status.h"
#include "core/base/utf8.h"
#include "google/rpc/error_details.pb.h"

namespace unlasting::server {
namespace {

constexpr size_t kMaxEntries = 100;
constexpr size_t kMaxEntriesInMessage = 5;
constexpr size_t kMaxDescriptionBytes = 500;
constexpr size_t kMaxFieldBytes = 200;
constexpr size_t kMaxDescriptionInMessage = 300;

std::string Cut(const std::string& text, size_t max_bytes) {
  const absl::string_view cut = CutUtf8(text, max_bytes);
  return cut.size() == text.size() ? text : absl::StrCat(cut, "...");
}

}  // namespace

void Violations::Add(const std::string& field, const std::string& reason,
                     const std::string& description, absl::StatusCode code) {
  if (entries_.size() >= kMaxEntries) {
    ++dropped_;
    return;
  }
  // A description quotes the request, and a field may have a name from it: the caller chooses their
  // lengths and their bytes.
  entries_.push_back({Cut(EscapedUtf8(field), kMaxFieldBytes), reason,
                      Cut(EscapedUtf8(description), kMaxDescriptionBytes), code});
}

void Violations::Add(const std::string& field, const absl::Status& error) {
  if (error.ok()) return;
  const std::string reason = ReasonOf(error);
  Add(field, reason.empty() ? "INVALID_ARGUMENT" : reason, std::string(error.message()),
      error.code());
}

void Violations::Append(const Violations& others) {
  for (const Entry& entry : others.entries_) {
    Add(entry.field, entry.reason, entry.description, entry.code);
  }
  dropped_ += others.dropped_;
}

void Violations::RenameFields(absl::FunctionRef<std::string(const std::string& field)> name) {
  for (Entry& entry : entries_) entry.field = name(entry.field);
}

absl::Status Violations::ToStatus() const {
  if (entries_.empty()) return absl::OkStatus();
  google::rpc::BadRequest bad_request;
  std::string message;
  absl::StatusCode code = entries_.front().code;
  for (size_t k = 0; k < entries_.size(); ++k) {
    const Entry& entry = entries_[k];
    if (entry.code != code) code = absl::StatusCode::kInvalidArgument;
    google::rpc::BadRequest::FieldViolation* violation = bad_request.add_field_violations();
    violation->set_field(entry.field);
    violation->set_reason(entry.reason);
    violation->set_description(entry.description);
    if (k < kMaxEntriesInMessage) {
      absl::StrAppend(&message, k == 0 ? "" : "; ", entry.field, ": ",
                      Cut(entry.description, kMaxDescriptionInMessage));
    }
  }
  const int64_t omitted = count() - static_cast<int64_t>(kMaxEntriesInMessage);
  if (omitted > 0) absl::StrAppend(&message, "; and ", omitted, " more");
  absl::Status status = WithReason(absl::Status(code, message), entries_.front().reason);
  status.SetPayload(kBadRequestUrl, absl::Cord(bad_request.SerializeAsString()));
  status.SetPayload(kViolationCountUrl, absl::Cord(absl::StrCat(count())));
  return status;
}

}  // namespace unlasting::server
