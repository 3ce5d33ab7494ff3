// ParsedBytes says how much memory a message will take once protobuf has parsed it, from its bytes
// alone: two bytes on the wire can be forty in memory.
#pragma once

#include <cstdint>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/zero_copy_stream.h"

namespace unlasting::server {

// An upper estimate in bytes, unknown fields included. Counting stops above `enough`, or where the
// bytes are not those of a message, which a parser will say better. Each field counts as often as
// it is there, even where the last one wins. Groups, which no message of the API has, count as more
// than `enough`. Any thread.
int64_t ParsedBytes(google::protobuf::io::ZeroCopyInputStream* bytes,
                    const google::protobuf::Descriptor& message, int64_t enough);

}  // namespace unlasting::server
