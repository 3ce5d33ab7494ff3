#include "server/request/wire_size.h"

#include <algorithm>
#include <unordered_map>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/message.h"
#include "google/protobuf/wire_format_lite.h"

namespace unlasting::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MessageFactory;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// What an allocation takes beside its bytes, and the pointer to it in a repeated field.
constexpr int64_t kAllocation = 24;
constexpr int64_t kString = 32 + kAllocation;
constexpr int64_t kMapNode = 96;
constexpr int64_t kUnknown = 16 + kString;
// A repeated field of numbers grows by doubling where their count is not known beforehand.
constexpr int64_t kGrowth = 2;

// The size of a number in memory; 0 for what is no number.
int64_t NumberBytes(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return 1;
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_ENUM:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return 4;
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT64:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return 8;
    default:
      return 0;
  }
}

WireFormatLite::WireType WireTypeOf(const FieldDescriptor& field) {
  return WireFormatLite::WireTypeForFieldType(static_cast<WireFormatLite::FieldType>(field.type()));
}

// Whether a parser takes what `tag` announces as `field`; it keeps all else as unknown.
bool IsParsedAs(const FieldDescriptor& field, uint32_t tag) {
  const WireFormatLite::WireType found = WireFormatLite::GetTagWireType(tag);
  return found == WireTypeOf(field) ||
         (field.is_packable() && found == WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

// The fewest bytes that a number of this field takes on the wire.
int64_t FewestWireBytes(const FieldDescriptor& field) {
  switch (WireTypeOf(field)) {
    case WireFormatLite::WIRETYPE_FIXED32:
      return 4;
    case WireFormatLite::WIRETYPE_FIXED64:
      return 8;
    default:
      return 1;
  }
}

class Counter {
 public:
  Counter(CodedInputStream* in, int64_t enough) : in_(in), enough_(enough) {}

  // False where counting stops.
  bool Count(const Descriptor& message) {
    while (bytes_ <= enough_) {
      const uint32_t tag = in_->ReadTag();
      if (tag == 0) return in_->ConsumedEntireMessage();
      const FieldDescriptor* field =
          message.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
      const bool known = field != nullptr && IsParsedAs(*field, tag);
      if (!CountField(tag, known ? field : nullptr)) return false;
    }
    return false;
  }

  int64_t bytes() const { return bytes_; }

 private:
  bool CountField(uint32_t tag, const FieldDescriptor* field) {
    switch (WireFormatLite::GetTagWireType(tag)) {
      case WireFormatLite::WIRETYPE_LENGTH_DELIMITED:
        return CountDelimited(field);
      case WireFormatLite::WIRETYPE_START_GROUP:
      case WireFormatLite::WIRETYPE_END_GROUP:
        bytes_ = enough_ + 1;
        return false;
      default:
        bytes_ += field == nullptr ? kUnknown : field->is_repeated() ? kGrowth * 8 : 0;
        return WireFormatLite::SkipField(in_, tag);
    }
  }

  bool CountDelimited(const FieldDescriptor* field) {
    uint32_t size = 0;
    if (!in_->ReadVarint32(&size)) return false;
    if (field != nullptr && field->message_type() != nullptr) {
      bytes_ += field->is_map() ? kMapNode : EmptyBytes(*field->message_type());
      const auto limit = in_->PushLimit(static_cast<int>(std::min<uint32_t>(size, INT32_MAX)));
      if (!Count(*field->message_type())) return false;
      in_->PopLimit(limit);
      return true;
    }
    const int64_t number = field == nullptr ? 0 : NumberBytes(*field);
    if (number > 0) {
      const int64_t fewest = FewestWireBytes(*field);
      bytes_ += (fewest == 1 ? kGrowth : 1) * (size / fewest) * number;
    } else {
      bytes_ += (field == nullptr ? kUnknown : kString) + size;
    }
    return size <= INT32_MAX && in_->Skip(static_cast<int>(size));
  }

  // Of an empty message in an allocation of its own.
  int64_t EmptyBytes(const Descriptor& message) {
    int64_t& known = empty_bytes_[&message];
    if (known == 0) {
      known = kAllocation +
              static_cast<int64_t>(
                  MessageFactory::generated_factory()->GetPrototype(&message)->SpaceUsedLong());
    }
    return known;
  }

  CodedInputStream* const in_;
  const int64_t enough_;
  int64_t bytes_ = 0;
  std::unordered_map<const Descriptor*, int64_t> empty_bytes_;
};

}  // namespace

int64_t ParsedBytes(google::protobuf::io::ZeroCopyInputStream* bytes, const Descriptor& message,
                    int64_t enough) {
  CodedInputStream in(bytes);
  Counter counter(&in, enough);
  counter.Count(message);
  return counter.bytes();
}

}  // namespace unlasting::server
