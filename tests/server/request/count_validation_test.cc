// When counts are drawn, and why not.
#include "server/request/count_validation.h"

#include "core/predict/query/controls.h"
#include "tests/server/request/request_fixture.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::server {
namespace {

// SomeRequest with its cells as counts.
v1::PredictRequest CountRequest() {
  v1::PredictRequest request = SomeRequest();
  DenseMatrix counts(3, 24);
  for (size_t k = 0; k < counts.values.size(); ++k) counts.values[k] = static_cast<float>(k % 5);
  *request.mutable_cells()->mutable_matrix() =
      codec::EncodeMatrix(counts, v1::MATRIX_ENCODING_PACKED);
  request.mutable_cells()->set_value_kind(v1::VALUE_KIND_COUNTS);
  request.mutable_options()->set_value_kind(v1::VALUE_KIND_DRAWN_COUNTS);
  return request;
}

TEST_F(RequestValidation, CountsAreDrawnAtTheControlCellsLibrarySizes) {
  v1::PredictRequest request = CountRequest();
  const auto valid = Validate(request);
  ASSERT_TRUE(valid.ok()) << valid.status();
  EXPECT_TRUE(valid->task.options.draw_counts);
  EXPECT_EQ(valid->task.options.count_depth, 0);
  ASSERT_EQ(valid->task.controls->library_size.size(), 3u);
  EXPECT_EQ(valid->task.controls->library_size[0], 46);
  for (const double size : {300.0, 400.0, 500.0}) request.mutable_cells()->add_library_sizes(size);
  EXPECT_EQ(Validate(request)->task.controls->library_size,
            (std::vector<double>{300.0, 400.0, 500.0}));
  request.mutable_options()->set_count_depth(1234);
  EXPECT_EQ(Validate(request)->task.options.count_depth, 1234);
  request.mutable_options()->clear_count_depth();
  request.mutable_options()->set_value_kind(v1::VALUE_KIND_COUNTS);
  EXPECT_FALSE(Validate(request)->task.options.draw_counts);
}

TEST_F(RequestValidation, CellsWhoseLibrarySizesAreUnknownNeedADepth) {
  v1::PredictRequest request = SomeRequest();
  request.mutable_options()->set_value_kind(v1::VALUE_KIND_DRAWN_COUNTS);
  ExpectInvalid(request, "options.count_depth", "INVALID_OPTION");
  EXPECT_THAT(std::string(Validate(request).status().message()), HasSubstr("2000 (median)"));
  request.mutable_options()->set_count_depth(800);
  EXPECT_TRUE(Validate(request).ok());
  // The model's own cells have theirs in the bundle.
  request.mutable_options()->clear_count_depth();
  request.mutable_panel()->set_cell_type("T0");
  const auto panel = Validate(request);
  ASSERT_TRUE(panel.ok()) << panel.status();
  EXPECT_EQ(panel->task.controls->library_size.size(), 30u);
}

TEST_F(RequestValidation, RefusesDepthsThatNoCellHas) {
  v1::PredictRequest request = CountRequest();
  for (const double depth :
       {0.0, -1.0, 0.5, 1e12, std::nan(""), std::numeric_limits<double>::infinity()}) {
    request.mutable_options()->set_count_depth(depth);
    ExpectInvalid(request, "options.count_depth", "INVALID_OPTION");
  }
  request.mutable_options()->clear_count_depth();
  for (const double size : {300.0, 1e12, 500.0}) request.mutable_cells()->add_library_sizes(size);
  ExpectInvalid(request, "options.count_depth", "INVALID_OPTION");
}

TEST_F(RequestValidation, ADepthBelongsToDrawnCountsAlone) {
  v1::PredictRequest request = SomeRequest();
  request.mutable_options()->set_count_depth(800);
  ExpectInvalid(request, "options.count_depth", "INVALID_OPTION");
  request.mutable_options()->set_value_kind(v1::VALUE_KIND_COUNTS);
  ExpectInvalid(request, "options.count_depth", "INVALID_OPTION");
}

TEST_F(RequestValidation, EncodingsThatRoundWholeNumbersAreRefusedForCounts) {
  v1::PredictRequest request = CountRequest();
  for (const auto encoding : {v1::MATRIX_ENCODING_RAW_FLOAT16, v1::MATRIX_ENCODING_RAW_BFLOAT16}) {
    request.mutable_options()->set_encoding(encoding);
    ExpectInvalid(request, "options.encoding", "INVALID_OPTION");
  }
}

TEST_F(RequestValidation, ControlCellsAreNeverDrawnCounts) {
  v1::PredictRequest request = SomeRequest();
  request.mutable_cells()->set_value_kind(v1::VALUE_KIND_DRAWN_COUNTS);
  ExpectInvalid(request, "cells.value_kind", "INVALID_VALUE_KIND");
}

// What a bundle of these options says to drawn counts, as the violations' words.
std::string Refusal(const test::TinyBundleOptions& options) {
  test::TempFolder folder;
  v1::PredictOptions message;
  message.set_value_kind(v1::VALUE_KIND_DRAWN_COUNTS);
  message.set_count_depth(500);
  EXPECT_TRUE(test::WriteTinyBundle(folder.At("b"), options).ok());
  const auto bundle = *bundle::Bundle::Load(folder.At("b"));
  ResultOptions result;
  result.value_kind = message.value_kind();
  predict::PredictOptions predict;
  Violations violations;
  ResolveCounts(message, *bundle, nullptr, result, &predict, &violations);
  EXPECT_EQ(predict.draw_counts, violations.empty());
  return std::string(violations.ToStatus().message());
}

TEST(CountValidation, ABundleThatDoesNotRecordHowCountsVaryIsRefusedByName) {
  test::TinyBundleOptions options;
  EXPECT_EQ(Refusal(options), "");
  options.counts = false;
  options.name = "old";
  EXPECT_THAT(Refusal(options), testing::AllOf(HasSubstr("'old' does not record how counts vary"),
                                               HasSubstr("trained anew on counts")));
}

}  // namespace
}  // namespace unlasting::server
