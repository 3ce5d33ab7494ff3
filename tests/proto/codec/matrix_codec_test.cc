#include "proto/codec/matrix_codec.h"

#include <cmath>
#include <limits>

#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/codec/half.h"

namespace unlasting::codec {
namespace {

DenseMatrix Example() {
  DenseMatrix matrix(2, 3);
  matrix.values = {0.0f, 1.5f, -2.25f, 1024.0f, 0.0f, 0.125f};
  return matrix;
}

v1::Matrix Shaped(int64_t rows, int64_t columns) {
  v1::Matrix message;
  message.set_rows(rows);
  message.set_columns(columns);
  return message;
}

std::string DecodeReason(const v1::Matrix& message, const DecodeLimits& limits = {}) {
  const auto decoded = DecodeMatrix(message, limits);
  EXPECT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
  return ReasonOf(decoded.status());
}

class EveryEncoding : public testing::TestWithParam<v1::MatrixEncoding> {};

TEST_P(EveryEncoding, RoundTripsValuesThatTheTypeHolds) {
  const v1::Matrix message = EncodeMatrix(Example(), GetParam());
  const auto dense = DecodeDenseMatrix(message);
  ASSERT_TRUE(dense.ok()) << dense.status();
  EXPECT_EQ(dense->rows, 2);
  EXPECT_EQ(dense->cols, 3);
  EXPECT_EQ(dense->values, Example().values);
  const auto sparse = DecodeMatrix(message, {});
  ASSERT_TRUE(sparse.ok()) << sparse.status();
  EXPECT_EQ(ToDense(*sparse).values, Example().values);
  EXPECT_EQ(sparse->values.size(), 4u);
}

INSTANTIATE_TEST_SUITE_P(
    All, EveryEncoding,
    testing::Values(v1::MATRIX_ENCODING_UNSPECIFIED, v1::MATRIX_ENCODING_PACKED,
                    v1::MATRIX_ENCODING_RAW_FLOAT32, v1::MATRIX_ENCODING_RAW_FLOAT16,
                    v1::MATRIX_ENCODING_RAW_BFLOAT16, v1::MATRIX_ENCODING_SPARSE));

TEST(MatrixCodec, RawBytesAreLittleEndian) {
  DenseMatrix matrix(1, 1);
  matrix.values = {1.0f};  // 0x3f800000
  const v1::Matrix message = EncodeMatrix(matrix, v1::MATRIX_ENCODING_RAW_FLOAT32);
  EXPECT_EQ(message.raw().data(), std::string("\x00\x00\x80\x3f", 4));
}

TEST(MatrixCodec, KeepsNotANumberForValidationToSee) {
  DenseMatrix matrix(1, 2);
  matrix.values = {std::nanf(""), std::numeric_limits<float>::infinity()};
  const auto decoded = DecodeMatrix(EncodeMatrix(matrix, v1::MATRIX_ENCODING_PACKED), {});
  ASSERT_TRUE(decoded.ok());
  ASSERT_EQ(decoded->values.size(), 2u);
  EXPECT_TRUE(std::isnan(decoded->values[0]));
  EXPECT_TRUE(std::isinf(decoded->values[1]));
}

TEST(MatrixCodec, RefusesAShapeWithoutData) {
  EXPECT_EQ(DecodeReason(Shaped(1000000000, 2000000000)), "INVALID_SHAPE");
  EXPECT_EQ(DecodeReason(Shaped(1000000000, 0)), "INVALID_SHAPE");
  EXPECT_EQ(DecodeReason(Shaped(1000000, 1000)), "INVALID_SHAPE");
  EXPECT_EQ(DecodeReason(Shaped(5, 0)), "INVALID_SHAPE");
  EXPECT_EQ(DecodeReason(Shaped(-1, 3)), "INVALID_SHAPE");
  EXPECT_EQ(DecodeReason(
                Shaped(std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::max())),
            "INVALID_SHAPE");
  EXPECT_FALSE(DecodeDenseMatrix(Shaped(1 << 24, 1 << 20)).ok());
}

TEST(MatrixCodec, AcceptsAnEmptyMatrix) {
  const auto decoded = DecodeMatrix(Shaped(0, 7), {});
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->rows, 0);
  EXPECT_EQ(decoded->indptr, std::vector<int64_t>{0});
}

TEST(MatrixCodec, RefusesMoreOrLessDataThanTheShape) {
  v1::Matrix message = EncodeMatrix(Example(), v1::MATRIX_ENCODING_RAW_FLOAT32);
  message.mutable_raw()->mutable_data()->append(4, '\0');
  EXPECT_EQ(DecodeReason(message), "INVALID_SHAPE");
  message.mutable_raw()->mutable_data()->resize(23);
  EXPECT_EQ(DecodeReason(message), "INVALID_SHAPE");
  message = EncodeMatrix(Example(), v1::MATRIX_ENCODING_PACKED);
  message.set_columns(2);
  EXPECT_EQ(DecodeReason(message), "INVALID_SHAPE");
}

TEST(MatrixCodec, RefusesUnknownElementTypes) {
  v1::Matrix message = EncodeMatrix(Example(), v1::MATRIX_ENCODING_RAW_FLOAT32);
  message.mutable_raw()->set_element_type(v1::ELEMENT_TYPE_UNSPECIFIED);
  EXPECT_EQ(DecodeReason(message), "INVALID_ENCODING");
  message.mutable_raw()->set_element_type(static_cast<v1::ElementType>(77));
  EXPECT_EQ(DecodeReason(message), "INVALID_ENCODING");
}

TEST(MatrixCodec, RefusesSparseRowsThatContradictThemselves) {
  const v1::Matrix sound = EncodeMatrix(ToCsr(Example()));
  ASSERT_TRUE(DecodeMatrix(sound, {}).ok());

  v1::Matrix message = sound;
  message.mutable_sparse()->set_row_offsets(1, 100);
  EXPECT_EQ(DecodeReason(message), "INVALID_SHAPE");
  message = sound;
  message.mutable_sparse()->set_row_offsets(1, -1);
  EXPECT_EQ(DecodeReason(message), "INVALID_SHAPE");
  message = sound;
  message.mutable_sparse()->set_row_offsets(2, 3);
  EXPECT_EQ(DecodeReason(message), "INVALID_SHAPE");
  message = sound;
  message.mutable_sparse()->set_column_indices(0, 3);
  EXPECT_EQ(DecodeReason(message), "INVALID_SHAPE");
  message = sound;
  message.mutable_sparse()->set_column_indices(1, message.sparse().column_indices(0));
  EXPECT_EQ(DecodeReason(message), "INVALID_SHAPE");
  message = sound;
  message.mutable_sparse()->add_values(1.0f);
  EXPECT_EQ(DecodeReason(message), "INVALID_SHAPE");
  message = sound;
  message.mutable_sparse()->clear_row_offsets();
  EXPECT_EQ(DecodeReason(message), "INVALID_SHAPE");
}

TEST(MatrixCodec, RefusesShapesBeyondTheLimits) {
  const v1::Matrix message = EncodeMatrix(Example(), v1::MATRIX_ENCODING_PACKED);
  EXPECT_EQ(DecodeReason(message, {1, 100}), "INVALID_SHAPE");
  EXPECT_EQ(DecodeReason(message, {100, 2}), "INVALID_SHAPE");
}

TEST(Half, EveryFiniteHalfSurvivesTheWayToFloatAndBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const uint16_t half = static_cast<uint16_t>(bits);
    const float value = HalfToFloat(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(value))));
    } else {
      ASSERT_EQ(FloatToHalf(value), half) << value;
    }
    const float brain = Bfloat16ToFloat(half);
    if (!std::isnan(brain)) {
      ASSERT_EQ(FloatToBfloat16(brain), half) << brain;
    }
  }
}

TEST(Half, RoundsToNearestEven) {
  EXPECT_EQ(HalfToFloat(FloatToHalf(1.0f + 1.0f / 2048)), 1.0f);
  EXPECT_EQ(HalfToFloat(FloatToHalf(1.0f + 3.0f / 2048)), 1.0f + 1.0f / 512);
  EXPECT_EQ(HalfToFloat(FloatToHalf(65519.0f)), 65504.0f);
  EXPECT_TRUE(std::isinf(HalfToFloat(FloatToHalf(65520.0f))));
  EXPECT_EQ(HalfToFloat(FloatToHalf(std::ldexp(1.0f, -25))), 0.0f);
  EXPECT_EQ(HalfToFloat(FloatToHalf(std::ldexp(1.5f, -25))), std::ldexp(1.0f, -24));
  EXPECT_EQ(Bfloat16ToFloat(FloatToBfloat16(1.0f + 1.0f / 256)), 1.0f);
  EXPECT_EQ(Bfloat16ToFloat(FloatToBfloat16(1.0f + 3.0f / 256)), 1.0f + 1.0f / 64);
}

}  // namespace
}  // namespace unlasting::codec
