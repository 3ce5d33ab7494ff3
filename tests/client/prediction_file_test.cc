#include "client/prediction_file.h"

#include <cmath>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/codec/matrix_codec.h"
#include "tests/support/files.h"

namespace unlasting::client {
namespace {

using testing::ElementsAre;

v1::PredictResponse Header() {
  v1::PredictResponse response;
  v1::PredictHeader* header = response.mutable_header();
  header->set_model("m");
  header->set_model_version("3");
  header->set_bundle_hash("abc");
  header->set_target_sum(1000);
  header->set_solver(v1::SOLVER_DPMPP_2M);
  header->set_solver_steps(10);
  header->set_mask(v1::MASK_MODE_RANK);
  header->set_seed(7);
  for (const char* gene : {"A", "B"}) header->add_genes(gene);
  for (const char* cell : {"c0", "c1"}) header->mutable_controls()->add_cell_ids(cell);
  for (const char* type : {"T0", "T1"}) header->mutable_controls()->add_cell_types(type);
  header->mutable_controls()->add_cell_type_indices(1);
  header->mutable_controls()->add_cell_type_indices(0);
  header->add_perturbations()->set_label("STAT1");
  v1::ResolvedPerturbation* drug = header->add_perturbations();
  drug->set_label("aspirin");
  drug->set_smiles("CC(=O)Oc1ccccc1C(=O)O");
  drug->set_dose_micromolar(0.2);
  return response;
}

v1::PredictResponse Rows(const std::vector<std::pair<int, int>>& rows,
                         const std::vector<float>& values) {
  v1::PredictResponse response;
  for (const auto& [perturbation, cell] : rows) {
    response.mutable_profiles()->add_perturbation_indices(perturbation);
    response.mutable_profiles()->add_control_indices(cell);
  }
  DenseMatrix matrix(static_cast<int64_t>(rows.size()), 2);
  matrix.values = values;
  *response.mutable_profiles()->mutable_matrix() =
      codec::EncodeMatrix(matrix, v1::MATRIX_ENCODING_RAW_FLOAT32);
  return response;
}

TEST(PredictionCollector, OrdersRowsWhateverOrderTheyComeIn) {
  PredictionCollector collector;
  ASSERT_OK(collector.Add(Header()));
  ASSERT_OK(collector.Add(Rows({{1, 1}, {0, 1}}, {7, 8, 3, 4})));
  ASSERT_OK(collector.Add(Rows({{0, 0}, {1, 0}}, {1, 2, 5, 6})));
  const auto data = collector.Finish();
  ASSERT_OK(data);
  EXPECT_THAT(std::get<DenseMatrix>(data->x).values, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_THAT(data->var.index, ElementsAre("A", "B"));
  const auto column = [&](const char* name) { return anndata::AsStrings(*data->obs.Find(name)); };
  EXPECT_THAT(column("perturbation"), ElementsAre("STAT1", "STAT1", "aspirin", "aspirin"));
  EXPECT_THAT(column("condition"), ElementsAre("STAT1+ctrl", "STAT1+ctrl", "aspirin", "aspirin"));
  EXPECT_THAT(column("cell_type"), ElementsAre("T1", "T0", "T1", "T0"));
  EXPECT_THAT(column("control_cell"), ElementsAre("c0", "c1", "c0", "c1"));
  EXPECT_THAT(column("dose_unit"), ElementsAre("", "", "uM", "uM"));
  const auto& doses = std::get<std::vector<double>>(*data->obs.Find("dose_val"));
  EXPECT_TRUE(std::isnan(doses[0]));
  EXPECT_EQ(doses[2], 0.2);
  EXPECT_EQ(data->uns["unlasting"]["bundle_hash"], "abc");
  EXPECT_EQ(data->uns["unlasting"]["target_sum"], 1000);
  EXPECT_EQ(data->uns["unlasting"]["mask"], "rank");
  const std::set<std::string> distinct(data->obs.index.begin(), data->obs.index.end());
  EXPECT_EQ(distinct.size(), 4u);
}

TEST(PredictionCollector, GenesAloneLeaveOutDoses) {
  v1::PredictResponse header = Header();
  header.mutable_header()->mutable_perturbations()->RemoveLast();
  PredictionCollector collector;
  ASSERT_OK(collector.Add(header));
  ASSERT_OK(collector.Add(Rows({{0, 0}, {0, 1}}, {0, 0, 0, 1})));
  const auto data = collector.Finish();
  ASSERT_OK(data);
  EXPECT_EQ(data->obs.Find("dose_val"), nullptr);
  EXPECT_TRUE(std::holds_alternative<CsrMatrix>(data->x)) << "mostly zeros";
}

TEST(PredictionCollector, IsNeverSilentlyShort) {
  PredictionCollector collector;
  ASSERT_OK(collector.Add(Header()));
  ASSERT_OK(collector.Add(Rows({{0, 0}, {0, 1}, {1, 0}}, {1, 2, 3, 4, 5, 6})));
  EXPECT_EQ(collector.Finish().status().code(), absl::StatusCode::kDataLoss);
}

TEST(PredictionCollector, RefusesPartsThatContradictThemselves) {
  PredictionCollector collector;
  EXPECT_FALSE(collector.Add(Rows({{0, 0}}, {1, 2})).ok()) << "before the header";
  ASSERT_OK(collector.Add(Header()));
  EXPECT_FALSE(collector.Add(Rows({{2, 0}}, {1, 2})).ok());
  EXPECT_FALSE(collector.Add(Rows({{0, -1}}, {1, 2})).ok());
  ASSERT_OK(collector.Add(Rows({{0, 0}}, {1, 2})));
  EXPECT_FALSE(collector.Add(Rows({{0, 0}}, {1, 2})).ok()) << "twice";
  ASSERT_OK(collector.Add(Rows({{0, 1}}, {1, 2})));
  EXPECT_FALSE(collector.Add(Rows({{0, 1}}, {1, 2})).ok()) << "after the last";
  v1::PredictResponse header = Header();
  header.mutable_header()->mutable_controls()->set_cell_type_indices(0, 9);
  EXPECT_FALSE(collector.Add(header).ok());
}

TEST(ConditionOf, FollowsTheGrammarOfTheField) {
  v1::ResolvedPerturbation perturbation;
  perturbation.set_label("A");
  EXPECT_EQ(ConditionOf(perturbation), "A+ctrl");
  perturbation.set_label("A+B");
  EXPECT_EQ(ConditionOf(perturbation), "A+B");
  perturbation.set_label("drug");
  perturbation.set_dose_micromolar(1);
  EXPECT_EQ(ConditionOf(perturbation), "drug");
}

}  // namespace
}  // namespace unlasting::client
