#include "proto/codec/control_codec.h"

#include <cmath>

#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::codec {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

cells::ControlMatrix Controls() {
  cells::ControlMatrix controls;
  controls.kind = cells::MatrixKind::kCounts;
  controls.genes = {"A", "B"};
  DenseMatrix values(3, 2);
  values.values = {1, 0, 2, 3, 0, 4};
  controls.values = ToCsr(values);
  controls.cell_types = {"T0", "T1", "T1"};
  controls.barcodes = {"a", "b", "c"};
  controls.library_sizes = {10, 20, 30};
  controls.missing_genes = cells::MissingGenes::kPanelMean;
  return controls;
}

void ExpectColumns(const cells::ControlMatrix& found) {
  EXPECT_EQ(found.kind, cells::MatrixKind::kCounts);
  EXPECT_THAT(found.genes, ElementsAre("A", "B"));
  EXPECT_EQ(found.missing_genes, cells::MissingGenes::kPanelMean);
  EXPECT_EQ(found.values.rows, 0);
}

TEST(ControlCodec, AMessageComesBackAsItWas) {
  const cells::ControlMatrix controls = Controls();
  const v1::ControlCells message = EncodeControls(controls);
  cells::ControlFaults faults;
  ExpectColumns(DecodeControlColumns(message, &faults));
  EXPECT_THAT(faults, IsEmpty());
  const auto part = DecodeControlRows(message, {});
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_EQ(part->values.indptr, controls.values.indptr);
  EXPECT_EQ(part->values.indices, controls.values.indices);
  EXPECT_EQ(part->values.values, controls.values.values);
  EXPECT_EQ(part->cell_types, controls.cell_types);
  EXPECT_EQ(part->barcodes, controls.barcodes);
  EXPECT_EQ(part->library_sizes, controls.library_sizes);
}

TEST(ControlCodec, ChunksAddUpToTheMessage) {
  const cells::ControlMatrix controls = Controls();
  cells::ControlFaults faults;
  cells::ControlMatrix found = DecodeControlColumns(EncodeControlsHeader(controls), &faults);
  ExpectColumns(found);
  for (const auto& [first, last] : {std::pair<int64_t, int64_t>{0, 1}, {1, 3}}) {
    auto part = DecodeControlRows(EncodeControlsChunk(controls, first, last), {});
    ASSERT_TRUE(part.ok()) << part.status();
    cells::AppendCells(*std::move(part), &found, &faults);
  }
  EXPECT_THAT(faults, IsEmpty());
  EXPECT_EQ(found.values.values, controls.values.values);
  EXPECT_EQ(found.values.indptr, controls.values.indptr);
  EXPECT_EQ(found.barcodes, controls.barcodes);
  EXPECT_EQ(found.library_sizes, controls.library_sizes);
}

TEST(ControlCodec, TheTargetSumGoesAlongWithLogarithmsAlone) {
  cells::ControlMatrix controls = Controls();
  controls.kind = cells::MatrixKind::kLog1p;
  controls.library_sizes.clear();
  controls.target_sum = 1e4;
  cells::ControlFaults faults;
  EXPECT_EQ(DecodeControlColumns(EncodeControls(controls), &faults).target_sum, 1e4);
  EXPECT_EQ(DecodeControlColumns(EncodeControlsHeader(controls), &faults).target_sum, 1e4);
  EXPECT_THAT(faults, IsEmpty());
  v1::ControlCells message = EncodeControls(controls);
  for (const double sum : {-1.0, static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
    message.set_target_sum(sum);
    faults.clear();
    EXPECT_EQ(DecodeControlColumns(message, &faults).target_sum, 0);
    ASSERT_EQ(faults.size(), 1u) << sum;
    EXPECT_EQ(faults[0].field, "target_sum");
    EXPECT_EQ(faults[0].reason, "INVALID_VALUE");
  }
  message.set_target_sum(1e4);
  message.set_value_kind(v1::VALUE_KIND_COUNTS);
  faults.clear();
  DecodeControlColumns(message, &faults);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].reason, "INVALID_OPTION");
}

TEST(ControlCodec, AGeneListHashAndOneCellTypeForAllAreRead) {
  cells::ControlMatrix hashed = Controls();
  hashed.genes.clear();
  hashed.gene_list_hash = "h";
  v1::ControlCells message = EncodeControls(hashed);
  EXPECT_EQ(message.gene_list_hash(), "h");
  message.clear_cell_types();
  message.add_cell_types("T7");
  cells::ControlFaults faults;
  EXPECT_EQ(DecodeControlColumns(message, &faults).gene_list_hash, "h");
  EXPECT_THAT(faults, IsEmpty());
  EXPECT_THAT(DecodeControlRows(message, {})->cell_types, ElementsAre("T7", "T7", "T7"));
}

TEST(ControlCodec, ReportsWhatAMessageDoesNotSay) {
  v1::RegisterControlsHeader header;
  header.set_missing_genes(static_cast<v1::MissingGenes>(99));
  cells::ControlFaults faults;
  DecodeControlColumns(header, &faults);
  ASSERT_EQ(faults.size(), 3u);
  EXPECT_EQ(faults[0].field + " " + faults[0].reason, "genes MISSING_FIELD");
  EXPECT_EQ(faults[1].field + " " + faults[1].reason, "value_kind INVALID_VALUE_KIND");
  EXPECT_EQ(faults[2].field + " " + faults[2].reason, "missing_genes INVALID_OPTION");
}

TEST(ControlCodec, RefusesAMatrixThatContradictsItsShape) {
  v1::ControlCells message = EncodeControls(Controls());
  message.mutable_matrix()->set_rows(4);
  EXPECT_EQ(ReasonOf(DecodeControlRows(message, {}).status()), "INVALID_SHAPE");
}

TEST(ControlCodec, TheSizeIsEstimatedWithoutAMessage) {
  const cells::ControlMatrix controls = Controls();
  const auto actual = static_cast<double>(EncodeControls(controls).ByteSizeLong());
  EXPECT_GT(static_cast<double>(EncodedBytes(controls)), actual / 2);
  EXPECT_LT(static_cast<double>(EncodedBytes(controls)), actual * 2);
}

}  // namespace
}  // namespace unlasting::codec
