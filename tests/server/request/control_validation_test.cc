#include "server/request/control_validation.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/codec/matrix_codec.h"

namespace unlasting::server {
namespace {

using testing::HasSubstr;

TEST(ControlValidation, ChunksThatDisagreeAreRefused) {
  const RequestLimits limits;
  v1::RegisterControlsHeader header;
  header.set_gene_list_hash("h");
  header.set_value_kind(v1::VALUE_KIND_LOG1P);
  Violations violations;
  cells::ControlMatrix controls = DecodeControlsHeader(header, limits, &violations);
  v1::RegisterControlsChunk chunk;
  DenseMatrix values(1, 2);
  values.values = {0.5f, 1.5f};
  *chunk.mutable_matrix() = codec::EncodeMatrix(values, v1::MATRIX_ENCODING_PACKED);
  chunk.add_cell_types("T0");
  AppendControlsChunk(chunk, limits, &controls, &violations);
  ASSERT_TRUE(violations.empty());
  chunk.add_cell_ids("late");
  AppendControlsChunk(chunk, limits, &controls, &violations);
  EXPECT_THAT(std::string(violations.ToStatus().message()), HasSubstr("chunk.cell_ids"));
  violations = Violations();
  chunk.clear_cell_ids();
  *chunk.mutable_matrix() = codec::EncodeMatrix(DenseMatrix(1, 3), v1::MATRIX_ENCODING_PACKED);
  AppendControlsChunk(chunk, limits, &controls, &violations);
  EXPECT_THAT(std::string(violations.ToStatus().message()), HasSubstr("chunk.matrix"));
  EXPECT_EQ(controls.values.rows, 1) << "a refused chunk leaves what came before";
}

}  // namespace
}  // namespace unlasting::server
