#include "server/request/wire_fault.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/utf8.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "server/base/violations.h"

namespace unlasting::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr size_t kMaxQuotedBytes = 80;

// Walks through one message after another, as its descriptor says, up to the first fault.
class Walker {
 public:
  explicit Walker(absl::string_view bytes)
      : bytes_(bytes),
        in_(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size())) {}

  // False at a fault, whose field is then `path()`.
  bool Walk(const Descriptor& message, const std::string& prefix) {
    std::map<int, int> seen;  // how many of each repeated field
    while (true) {
      path_ = prefix;
      const uint32_t tag = in_.ReadTag();
      if (tag == 0) return in_.ConsumedEntireMessage();
      const FieldDescriptor* field =
          message.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
      const bool delimited =
          WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
      if (field != nullptr) {
        path_ = absl::StrCat(prefix, prefix.empty() ? "" : ".", field->name());
        if (field->is_repeated() && !field->is_packable()) {
          absl::StrAppend(&path_, "[", seen[field->number()]++, "]");
        }
      }
      const bool sound = delimited && field != nullptr ? WalkField(*field, path_)
                                                       : WireFormatLite::SkipField(&in_, tag);
      if (!sound) return false;
    }
  }

  const std::string& path() const { return path_; }
  // The text that is not UTF-8, where that is the fault.
  const std::string& text() const { return text_; }
  int position() const { return in_.CurrentPosition(); }

 private:
  bool WalkField(const FieldDescriptor& field, const std::string& path) {
    uint32_t size = 0;
    if (!in_.ReadVarint32(&size)) return false;
    if (size > bytes_.size() - static_cast<size_t>(in_.CurrentPosition())) return false;
    const absl::string_view content = bytes_.substr(in_.CurrentPosition(), size);
    if (field.message_type() != nullptr) {
      const auto limit = in_.PushLimit(static_cast<int>(size));
      if (!Walk(*field.message_type(), path)) return false;
      in_.PopLimit(limit);
      return true;
    }
    if (field.type() == FieldDescriptor::TYPE_STRING && !IsUtf8(content)) {
      text_ = std::string(content);
      return false;
    }
    return in_.Skip(static_cast<int>(size));
  }

  const absl::string_view bytes_;
  CodedInputStream in_;
  std::string path_;
  std::string text_;
};

}  // namespace

absl::Status WireFault(absl::string_view bytes, const Descriptor& message) {
  Walker walker(bytes);
  const bool sound = walker.Walk(message, "");
  Violations violations;
  if (!walker.text().empty()) {
    const size_t at = FirstNotUtf8(walker.text());
    const size_t from = at < kMaxQuotedBytes / 2 ? 0 : at - kMaxQuotedBytes / 2;
    violations.Add(walker.path(), "INVALID_UTF8",
                   absl::StrCat("found '", EscapedUtf8(walker.text().substr(from, kMaxQuotedBytes)),
                                "', whose byte ", at + 1, " is not UTF-8; expected text in UTF-8"));
  } else {
    violations.Add(
        walker.path().empty() ? "request" : walker.path(), "MALFORMED_REQUEST",
        absl::StrCat("found ", bytes.size(), " bytes that are not a whole ", message.full_name(),
                     sound ? "" : absl::StrCat(": they break at byte ", walker.position() + 1),
                     "; expected the message as protobuf writes it"));
  }
  return violations.ToStatus();
}

}  // namespace unlasting::server
