#include "server/rpc/message_reader.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"
#include "server/request/inflate.h"
#include "server/request/wire_fault.h"
#include "server/request/wire_size.h"

namespace unlasting::server {
namespace {

using google::protobuf::Message;
using google::protobuf::io::ZeroCopyInputStream;

absl::string_view View(const grpc::Slice& slice) {
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

absl::Status TooLarge(int64_t limit) {
  return WithReason(
      absl::ResourceExhaustedError(absl::StrCat(
          "the message is larger than ", limit,
          " bytes, the limit of this server (limits.max_message_bytes): send fewer cells or "
          "perturbations per call, or upload the cells in parts with RegisterControls")),
      "MESSAGE_TOO_LARGE");
}

// Reserves what parsing a message takes beside its bytes: the message, and as much again for what
// is decoded from it.
absl::Status ReserveParsed(ZeroCopyInputStream* bytes, const Message& message,
                           const std::string& client, IncomingHold* hold) {
  const int64_t before = hold->bytes();
  // Counting stops where more could not be reserved anyway.
  const int64_t parsed = ParsedBytes(bytes, *message.GetDescriptor(), hold->max_bytes());
  return hold->GrowTo(client, before + 2 * parsed);
}

absl::Status Fault(absl::string_view bytes, const Message& message) {
  return WireFault(bytes, *message.GetDescriptor());
}

absl::Status ParsePlain(const grpc::ByteBuffer& bytes, const std::string& client,
                        IncomingHold* hold, Message* message) {
  // The readers do not change the buffer, though they ask for one that they could.
  grpc::ByteBuffer shared(bytes);
  {
    grpc::ProtoBufferReader counted(&shared);
    if (counted.status().ok()) {
      UNLASTING_RETURN_IF_ERROR(ReserveParsed(&counted, *message, client, hold));
    }
    grpc::ProtoBufferReader reader(&shared);
    if (reader.status().ok() && message->ParseFromZeroCopyStream(&reader)) return absl::OkStatus();
  }
  std::vector<grpc::Slice> slices;
  std::string text;
  if (bytes.Dump(&slices).ok()) {
    for (const grpc::Slice& slice : slices) absl::StrAppend(&text, View(slice));
  }
  return Fault(text, *message);
}

absl::Status ParseInflated(const std::string& bytes, const std::string& client, IncomingHold* hold,
                           Message* message) {
  google::protobuf::io::ArrayInputStream counted(bytes.data(), static_cast<int>(bytes.size()));
  UNLASTING_RETURN_IF_ERROR(ReserveParsed(&counted, *message, client, hold));
  if (message->ParseFromString(bytes)) return absl::OkStatus();
  return Fault(bytes, *message);
}

}  // namespace

absl::Status CheckMessage(const grpc::ByteBuffer& bytes, const RequestLimits& limits,
                          const std::string& client, IncomingHold* hold) {
  const auto size = static_cast<int64_t>(bytes.Length());
  if (size > limits.max_message_bytes) return TooLarge(limits.max_message_bytes);
  return hold->GrowTo(client, hold->bytes() + size);
}

absl::Status ParseMessage(const grpc::ByteBuffer& bytes, const RequestLimits& limits,
                          const std::string& client, IncomingHold* hold, Message* message) {
  std::vector<grpc::Slice> slices;
  if (!bytes.Dump(&slices).ok() || slices.empty() || !IsGzip(View(slices.front()))) {
    return ParsePlain(bytes, client, hold, message);
  }
  Inflater inflater(limits.max_message_bytes);
  std::string text;
  for (const grpc::Slice& slice : slices) {
    const absl::Status status = inflater.Add(View(slice), &text, [&](int64_t more) {
      return hold->GrowTo(client, hold->bytes() + more);
    });
    if (absl::IsOutOfRange(status)) return TooLarge(limits.max_message_bytes);
    UNLASTING_RETURN_IF_ERROR(status);
  }
  UNLASTING_RETURN_IF_ERROR(inflater.Complete());
  return ParseInflated(text, client, hold, message);
}

absl::Status NoMessage(const grpc::CallbackServerContext& context) {
  if (context.IsCancelled()) {
    return WithReason(absl::CancelledError("cancelled by the caller"), "CANCELLED");
  }
  return WithReason(absl::InvalidArgumentError("request: found none, expected one message"),
                    "MALFORMED_REQUEST");
}

absl::Status SilentCaller(absl::Duration patience) {
  return WithReason(
      absl::AbortedError(absl::StrCat("nothing was sent for ", absl::FormatDuration(patience),
                                      " (limits.read_patience_seconds): send the messages of a "
                                      "call without a pause")),
      "SILENT_CALLER");
}

}  // namespace unlasting::server
