// What a file of drawn counts says of itself.
#include "client/files/count_report.h"

#include "client/files/prediction_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/codec/matrix_codec.h"
#include "tests/support/files.h"

namespace unlasting::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

v1::PredictResponse Header(v1::ValueKind kind) {
  v1::PredictResponse response;
  v1::PredictHeader* header = response.mutable_header();
  header->set_value_kind(kind);
  header->set_count_depth(800);
  for (const char* gene : {"A", "B"}) header->add_genes(gene);
  header->mutable_controls()->add_cell_ids("c0");
  header->mutable_controls()->add_cell_types("T0");
  header->mutable_controls()->add_cell_type_indices(0);
  header->add_perturbations()->set_label("STAT1");
  return response;
}

v1::PredictResponse Rows() {
  v1::PredictResponse response;
  response.mutable_profiles()->add_perturbation_indices(0);
  response.mutable_profiles()->add_control_indices(0);
  DenseMatrix matrix(1, 2);
  matrix.values = {3, 5};
  *response.mutable_profiles()->mutable_matrix() =
      codec::EncodeMatrix(matrix, v1::MATRIX_ENCODING_SPARSE);
  return response;
}

v1::PredictResponse Summary(double lost_share) {
  v1::PredictResponse response;
  v1::DrawnCounts* counts = response.mutable_summary()->mutable_drawn_counts();
  counts->add_active_share(0.5f);
  counts->add_active_share(1.0f);
  counts->set_lost_share(lost_share);
  counts->set_mean_total(8);
  counts->set_expected_total(7.5);
  return response;
}

TEST(CountReport, AFileOfCountsIsSparseAndSaysWhatItIs) {
  PredictionCollector collector;
  ASSERT_OK(collector.Add(Header(v1::VALUE_KIND_DRAWN_COUNTS)));
  ASSERT_OK(collector.Add(Rows()));
  ASSERT_OK(collector.Add(Summary(0.25)));
  const auto data = collector.Finish();
  ASSERT_OK(data);
  ASSERT_TRUE(std::holds_alternative<CsrMatrix>(data->x)) << "although no value is 0";
  EXPECT_THAT(std::get<CsrMatrix>(data->x).values, ElementsAre(3, 5));
  EXPECT_EQ(data->uns.at("unlasting").at("value_kind"), "counts");
  EXPECT_EQ(data->uns.at("unlasting").at("count_depth"), 800);
  EXPECT_THAT(std::get<DenseMatrix>(data->varm.at("drawn_active_share")).values,
              ElementsAre(0.5f, 1.0f));
}

TEST(CountReport, AFileOfLog1pValuesSaysSo) {
  PredictionCollector collector;
  ASSERT_OK(collector.Add(Header(v1::VALUE_KIND_LOG1P)));
  ASSERT_OK(collector.Add(Rows()));
  const auto data = collector.Finish();
  ASSERT_OK(data);
  EXPECT_EQ(data->uns.at("unlasting").at("value_kind"), "log1p");
  EXPECT_FALSE(data->uns.at("unlasting").contains("count_depth"));
  EXPECT_EQ(data->varm.count("drawn_active_share"), 0u);
}

TEST(CountReport, TheTerminalIsToldTheMeanOverPerturbations) {
  CountReport report;
  report.Add(v1::PerturbationSummary());
  EXPECT_EQ(report.Text(), "");
  EXPECT_TRUE(report.Json().is_null());
  report.Add(Summary(0.25).summary());
  report.Add(Summary(0.75).summary());
  EXPECT_THAT(report.Text(), HasSubstr("8 a cell (expected 7.5)"));
  EXPECT_THAT(report.Text(), HasSubstr("50.0% of the active values"));
  EXPECT_EQ(report.Json().at("lost_share"), 0.5);
}

}  // namespace
}  // namespace unlasting::client
