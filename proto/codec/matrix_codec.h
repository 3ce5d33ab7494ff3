// unlasting.v1.Matrix to and from the matrices of core/base. Used by server and client.
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

// The matrix as CSR, zeros dropped, so that memory is bounded by the message's own size whatever
// shape it claims. INVALID_ARGUMENT with reason INVALID_SHAPE where shape, limits and data
// disagree, INVALID_ENCODING where the element type is missing or unknown. Values are not judged:
// NaN passes.
absl::StatusOr<CsrMatrix> DecodeMatrix(const v1::Matrix& message, const DecodeLimits& limits);

// The same as a dense matrix, for answers of a server one trusts: memory is rows * columns floats,
// at most `max_values`.
absl::StatusOr<DenseMatrix> DecodeDenseMatrix(const v1::Matrix& message,
                                              int64_t max_values = int64_t{1} << 28);

// MATRIX_ENCODING_UNSPECIFIED is little-endian float32.
v1::Matrix EncodeMatrix(const DenseMatrix& matrix, v1::MatrixEncoding encoding);
v1::Matrix EncodeMatrix(const CsrMatrix& matrix);

}  // namespace unlasting::codec
