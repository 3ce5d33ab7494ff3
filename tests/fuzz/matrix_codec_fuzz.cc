// Any bytes as a Matrix: decoding must answer with values within the limits or a Status.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "proto/codec/matrix_codec.h"
#include "unlasting/v1/matrix.pb.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  unlasting::v1::Matrix message;
  if (!message.ParseFromArray(data, static_cast<int>(size))) return 0;
  const auto sparse = unlasting::codec::DecodeMatrix(message, {1000, 1000});
  if (sparse.ok()) {
    if (sparse->rows > 1000 || sparse->cols > 1000) std::abort();
    if (static_cast<int64_t>(sparse->indptr.size()) != sparse->rows + 1) std::abort();
    if (sparse->indptr.back() != static_cast<int64_t>(sparse->values.size())) std::abort();
  }
  // The client decodes what a server sends without limits of its own: bound what it may allocate.
  if (message.rows() < 1000 && message.columns() < 1000) {
    static_cast<void>(unlasting::codec::DecodeDenseMatrix(message));
  }
  return 0;
}
