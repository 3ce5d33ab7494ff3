#include "server/request/inflate.h"

#include <zlib.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "core/base/status.h"

namespace unlasting::server {
namespace {

constexpr absl::string_view kMagic("\x1f\x8b", 2);
constexpr int64_t kBlock = 1 << 18;
constexpr int kGzipWindow = 15 + 16;  // the largest window, and gzip's header

absl::Status Malformed(const char* what) {
  return WithReason(
      absl::InvalidArgumentError(absl::StrCat("request: found a compressed message that ", what,
                                              ", expected one gzip stream")),
      "MALFORMED_REQUEST");
}

}  // namespace

struct Inflater::State {
  z_stream stream = {};
  bool sound = false;
  bool complete = false;
};

bool IsGzip(absl::string_view bytes) { return absl::StartsWith(bytes, kMagic); }

Inflater::Inflater(int64_t max_bytes) : max_bytes_(max_bytes), state_(std::make_unique<State>()) {
  state_->sound = inflateInit2(&state_->stream, kGzipWindow) == Z_OK;
}

Inflater::~Inflater() {
  if (state_->sound) inflateEnd(&state_->stream);
}

absl::Status Inflater::Add(absl::string_view piece, std::string* text,
                           absl::FunctionRef<absl::Status(int64_t)> reserve) {
  if (!state_->sound) return absl::ResourceExhaustedError("request: there is no memory to inflate");
  z_stream& stream = state_->stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
  stream.avail_in = static_cast<uInt>(piece.size());
  while (stream.avail_in > 0) {
    if (state_->complete) return Malformed("goes on after its end");
    const auto before = static_cast<int64_t>(text->size());
    // One byte beyond the limit tells a message of that size from a larger one.
    const int64_t block = std::min(kBlock, max_bytes_ + 1 - before);
    if (block <= 0) return absl::OutOfRangeError("the limit is reached");
    UNLASTING_RETURN_IF_ERROR(reserve(block));
    text->resize(before + block);
    stream.next_out = reinterpret_cast<Bytef*>(&(*text)[before]);
    stream.avail_out = static_cast<uInt>(block);
    const int result = inflate(&stream, Z_NO_FLUSH);
    text->resize(before + block - stream.avail_out);
    if (result == Z_STREAM_END) {
      state_->complete = true;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return Malformed("is damaged");
    }
    if (static_cast<int64_t>(text->size()) > max_bytes_) {
      return absl::OutOfRangeError("the limit is reached");
    }
  }
  return absl::OkStatus();
}

absl::Status Inflater::Complete() const {
  return state_->complete ? absl::OkStatus() : Malformed("breaks off");
}

}  // namespace unlasting::server
