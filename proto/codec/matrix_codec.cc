#include "proto/codec/matrix_codec.h"

#include <cstring>
#include <string>

#include "core/base/status.h"
#include "proto/codec/half.h"

namespace unlasting::codec {
namespace {

absl::Status ShapeError(const std::string& message) {
  return WithReason(absl::InvalidArgumentError(message), "INVALID_SHAPE");
}

template <typename Word>
Word LoadLittleEndian(const char* bytes) {
  Word word = 0;
  for (size_t k = 0; k < sizeof(Word); ++k) {
    word |= static_cast<Word>(static_cast<Word>(static_cast<uint8_t>(bytes[k])) << (8 * k));
  }
  return word;
}

template <typename Word>
void StoreLittleEndian(Word word, char* bytes) {
  for (size_t k = 0; k < sizeof(Word); ++k) bytes[k] = static_cast<char>(word >> (8 * k));
}

// Reads value k of a dense encoding, whichever it is.
class DenseValues {
 public:
  static absl::StatusOr<DenseValues> From(const v1::Matrix& message) {
    DenseValues values;
    if (message.encoding_case() == v1::Matrix::kPacked) {
      values.packed_ = message.packed().values().data();
      values.count_ = message.packed().values_size();
      return values;
    }
    const v1::RawValues& raw = message.raw();
    switch (raw.element_type()) {
      case v1::ELEMENT_TYPE_FLOAT32:
        values.width_ = 4;
        break;
      case v1::ELEMENT_TYPE_FLOAT16:
      case v1::ELEMENT_TYPE_BFLOAT16:
        values.width_ = 2;
        values.bfloat16_ = raw.element_type() == v1::ELEMENT_TYPE_BFLOAT16;
        break;
      default:
        return WithReason(
            absl::InvalidArgumentError(absl::StrCat("raw.element_type: found ", raw.element_type(),
                                                    ", expected FLOAT32, FLOAT16 or BFLOAT16")),
            "INVALID_ENCODING");
    }
    if (raw.data().size() % values.width_ != 0) {
      return ShapeError(absl::StrCat("raw.data: found ", raw.data().size(),
                                     " bytes, expected a multiple of ", values.width_));
    }
    values.bytes_ = raw.data().data();
    values.count_ = static_cast<int64_t>(raw.data().size() / values.width_);
    return values;
  }

  int64_t count() const { return count_; }

  float At(int64_t k) const {
    if (packed_ != nullptr) return packed_[k];
    if (width_ == 2) {
      const uint16_t bits = LoadLittleEndian<uint16_t>(bytes_ + 2 * k);
      return bfloat16_ ? Bfloat16ToFloat(bits) : HalfToFloat(bits);
    }
    const uint32_t bits = LoadLittleEndian<uint32_t>(bytes_ + 4 * k);
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }

 private:
  const float* packed_ = nullptr;
  const char* bytes_ = nullptr;
  int width_ = 4;
  bool bfloat16_ = false;
  int64_t count_ = 0;
};

absl::Status CheckDenseShape(const v1::Matrix& message, int64_t count) {
  // By division, since the product of a hostile shape overflows.
  const bool fits = message.columns() == 0 ? count == 0 && message.rows() == 0
                                           : count % message.columns() == 0 &&
                                                 count / message.columns() == message.rows();
  if (fits) return absl::OkStatus();
  return ShapeError(absl::StrCat("shape ", message.rows(), " x ", message.columns(), ": found ",
                                 count, " values, expected rows times columns"));
}

absl::Status CheckSparse(const v1::Matrix& message) {
  const v1::SparseValues& sparse = message.sparse();
  if (sparse.row_offsets_size() - int64_t{1} != message.rows()) {
    return ShapeError(absl::StrCat("sparse.row_offsets: found ", sparse.row_offsets_size(),
                                   ", expected rows + 1 = ", message.rows() + 1));
  }
  if (sparse.column_indices_size() != sparse.values_size()) {
    return ShapeError(absl::StrCat("sparse: found ", sparse.column_indices_size(),
                                   " column_indices and ", sparse.values_size(),
                                   " values, expected as many of one as of the other"));
  }
  const int64_t stored = sparse.values_size();
  if (sparse.row_offsets(0) != 0 || sparse.row_offsets(sparse.row_offsets_size() - 1) != stored) {
    return ShapeError(absl::StrCat("sparse.row_offsets: expected from 0 to ", stored, ", found ",
                                   sparse.row_offsets(0), " to ",
                                   sparse.row_offsets(sparse.row_offsets_size() - 1)));
  }
  for (int64_t r = 0; r < message.rows(); ++r) {
    const int64_t begin = sparse.row_offsets(static_cast<int>(r));
    const int64_t end = sparse.row_offsets(static_cast<int>(r + 1));
    if (begin > end || end > stored) {
      return ShapeError(absl::StrCat("sparse.row_offsets: row ", r, ": found ", begin, " to ", end,
                                     ", expected rising offsets up to ", stored));
    }
    for (int64_t k = begin; k < end; ++k) {
      const int64_t column = sparse.column_indices(static_cast<int>(k));
      const bool rising =
          k == begin || column > int64_t{sparse.column_indices(static_cast<int>(k - 1))};
      if (column >= message.columns() || !rising) {
        return ShapeError(absl::StrCat("sparse.column_indices: row ", r, ": found ", column,
                                       ", expected rising indices below ", message.columns()));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLimits(const v1::Matrix& message, const DecodeLimits& limits) {
  if (message.rows() < 0 || message.rows() > limits.max_rows || message.columns() < 0 ||
      message.columns() > limits.max_columns) {
    return ShapeError(absl::StrCat("shape ", message.rows(), " x ", message.columns(),
                                   ": expected at most ", limits.max_rows, " x ",
                                   limits.max_columns));
  }
  return absl::OkStatus();
}

CsrMatrix DecodeSparse(const v1::Matrix& message) {
  const v1::SparseValues& sparse = message.sparse();
  CsrMatrix matrix;
  matrix.rows = message.rows();
  matrix.cols = message.columns();
  matrix.indptr.assign(sparse.row_offsets().begin(), sparse.row_offsets().end());
  matrix.indices.assign(sparse.column_indices().begin(), sparse.column_indices().end());
  matrix.values.assign(sparse.values().begin(), sparse.values().end());
  return matrix;
}

template <typename Convert>
v1::Matrix EncodeRaw(const DenseMatrix& matrix, v1::ElementType type, int width, Convert store) {
  v1::Matrix message;
  message.set_rows(matrix.rows);
  message.set_columns(matrix.cols);
  message.mutable_raw()->set_element_type(type);
  std::string* data = message.mutable_raw()->mutable_data();
  data->resize(matrix.values.size() * width);
  for (size_t k = 0; k < matrix.values.size(); ++k) store(&(*data)[k * width], matrix.values[k]);
  return message;
}

// The values of a dense or empty message whose shape they fit.
absl::StatusOr<DenseValues> CheckedDenseValues(const v1::Matrix& message) {
  DenseValues values;
  if (message.encoding_case() != v1::Matrix::ENCODING_NOT_SET) {
    UNLASTING_ASSIGN_OR_RETURN(values, DenseValues::From(message));
  }
  UNLASTING_RETURN_IF_ERROR(CheckDenseShape(message, values.count()));
  return values;
}

}  // namespace

absl::StatusOr<CsrMatrix> DecodeMatrix(const v1::Matrix& message, const DecodeLimits& limits) {
  UNLASTING_RETURN_IF_ERROR(CheckLimits(message, limits));
  if (message.encoding_case() == v1::Matrix::kSparse) {
    UNLASTING_RETURN_IF_ERROR(CheckSparse(message));
    return DecodeSparse(message);
  }
  UNLASTING_ASSIGN_OR_RETURN(const DenseValues values, CheckedDenseValues(message));
  CsrMatrix matrix;
  matrix.rows = message.rows();
  matrix.cols = message.columns();
  matrix.indptr.reserve(message.rows() + 1);
  // Counted first, as arrays that grow hold up to twice what they need, and these may be kept.
  int64_t stored = 0;
  for (int64_t k = 0; k < values.count(); ++k) stored += values.At(k) == 0 ? 0 : 1;
  matrix.indices.reserve(stored);
  matrix.values.reserve(stored);
  int64_t k = 0;
  for (int64_t r = 0; r < message.rows(); ++r) {
    for (int64_t c = 0; c < message.columns(); ++c, ++k) {
      const float value = values.At(k);
      if (value == 0) continue;
      matrix.indices.push_back(static_cast<int32_t>(c));
      matrix.values.push_back(value);
    }
    matrix.indptr.push_back(static_cast<int64_t>(matrix.values.size()));
  }
  return matrix;
}

absl::StatusOr<DenseMatrix> DecodeDenseMatrix(const v1::Matrix& message, int64_t max_values) {
  UNLASTING_RETURN_IF_ERROR(CheckLimits(message, DecodeLimits()));
  if (message.columns() != 0 && message.rows() > max_values / message.columns()) {
    return ShapeError(absl::StrCat("shape ", message.rows(), " x ", message.columns(),
                                   ": expected at most ", max_values, " values"));
  }
  if (message.encoding_case() == v1::Matrix::kSparse) {
    UNLASTING_RETURN_IF_ERROR(CheckSparse(message));
    return ToDense(DecodeSparse(message));
  }
  UNLASTING_ASSIGN_OR_RETURN(const DenseValues values, CheckedDenseValues(message));
  DenseMatrix matrix(message.rows(), message.columns());
  for (int64_t k = 0; k < values.count(); ++k) matrix.values[k] = values.At(k);
  return matrix;
}

v1::Matrix EncodeMatrix(const DenseMatrix& matrix, v1::MatrixEncoding encoding) {
  switch (encoding) {
    case v1::MATRIX_ENCODING_PACKED: {
      v1::Matrix message;
      message.set_rows(matrix.rows);
      message.set_columns(matrix.cols);
      message.mutable_packed()->mutable_values()->Add(matrix.values.begin(), matrix.values.end());
      return message;
    }
    case v1::MATRIX_ENCODING_RAW_FLOAT16:
      return EncodeRaw(matrix, v1::ELEMENT_TYPE_FLOAT16, 2,
                       [](char* out, float value) { StoreLittleEndian(FloatToHalf(value), out); });
    case v1::MATRIX_ENCODING_RAW_BFLOAT16:
      return EncodeRaw(matrix, v1::ELEMENT_TYPE_BFLOAT16, 2, [](char* out, float value) {
        StoreLittleEndian(FloatToBfloat16(value), out);
      });
    case v1::MATRIX_ENCODING_SPARSE:
      return EncodeMatrix(ToCsr(matrix));
    default:
      return EncodeRaw(matrix, v1::ELEMENT_TYPE_FLOAT32, 4, [](char* out, float value) {
        uint32_t bits;
        std::memcpy(&bits, &value, sizeof(bits));
        StoreLittleEndian(bits, out);
      });
  }
}

v1::Matrix EncodeMatrix(const CsrMatrix& matrix) {
  v1::Matrix message;
  message.set_rows(matrix.rows);
  message.set_columns(matrix.cols);
  v1::SparseValues* sparse = message.mutable_sparse();
  sparse->mutable_row_offsets()->Add(matrix.indptr.begin(), matrix.indptr.end());
  sparse->mutable_column_indices()->Add(matrix.indices.begin(), matrix.indices.end());
  sparse->mutable_values()->Add(matrix.values.begin(), matrix.values.end());
  return message;
}

}  // namespace unlasting::codec
