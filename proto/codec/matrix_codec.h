// The matrix codec turns unlasting.v1.Matrix into the matrices of core/base and back, for server
// and client.
//
//   UNLASTING_ASSIGN_OR_RETURN(CsrMatrix cells, codec::DecodeMatrix(message, {}));
//   *chunk.mutable_matrix() = codec::EncodeMatrix(profiles, v1::MATRIX_ENCODING_RAW_FLOAT32);
//
// Stateless; any thread.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"
#include "unlasting/v1/matrix.pb.h"

namespace unlasting::codec {

struct DecodeLimits {
  int64_t max_rows = int64_t{1} << 24;
  int64_t max_columns = int64_t{1} << 20;
};

// Decodes any encoding to CSR. Zeros of a dense encoding are dropped, so that memory is bounded by
// the message's own size whatever shape it claims. INVALID_ARGUMENT with reason INVALID_SHAPE where
// shape, limits and data disagree, INVALID_ENCODING where the element type is missing or unknown.
// Values are not judged: NaN passes.
absl::StatusOr<CsrMatrix> DecodeMatrix(const v1::Matrix& message, const DecodeLimits& limits);

// Decodes to a dense matrix, for responses of a server that the caller trusts: memory is
// rows * columns floats, of at most `max_values` values.
absl::StatusOr<DenseMatrix> DecodeDenseMatrix(const v1::Matrix& message,
                                              int64_t max_values = int64_t{1} << 28);

// MATRIX_ENCODING_UNSPECIFIED is little-endian float32.
v1::Matrix EncodeMatrix(const DenseMatrix& matrix, v1::MatrixEncoding encoding);
v1::Matrix EncodeMatrix(const CsrMatrix& matrix);

}  // namespace unlasting::codec
