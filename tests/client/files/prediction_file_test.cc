#include "client/files/prediction_file.h"

#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/files/resolved_perturbation.h"
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

TEST(PredictionCollector, KeepsDistancesAndSpreads) {
  v1::PredictResponse header = Header();
  v1::ResolvedPerturbation* genes = header.mutable_header()->mutable_perturbations(0);
  genes->set_seen_in_training(true);
  genes->add_genes()->set_hops(2);
  genes->add_genes();  // no path
  v1::MoleculeTrainingDistance* molecule =
      header.mutable_header()->mutable_perturbations(1)->mutable_molecule();
  molecule->set_tanimoto_similarity(0.25);
  molecule->set_nearest_molecule("other");
  molecule->set_dose_range(v1::DOSE_RANGE_ABOVE);
  PredictionCollector collector;
  ASSERT_OK(collector.Add(header));
  ASSERT_OK(collector.Add(Rows({{1, 1}, {0, 1}, {0, 0}, {1, 0}}, {7, 8, 3, 4, 1, 2, 5, 6})));
  for (const int perturbation : {1, 0}) {
    v1::PredictResponse part;
    part.mutable_summary()->set_perturbation_index(perturbation);
    for (const float value : {0.5f, 0.25f}) {
      part.mutable_summary()->add_mean(value);
      part.mutable_summary()->add_standard_deviation(value + static_cast<float>(perturbation));
    }
    ASSERT_OK(collector.Add(part));
  }
  const auto data = collector.Finish();
  ASSERT_OK(data);
  const auto& distances = data->uns["unlasting"]["perturbations"];
  EXPECT_EQ(distances["seen_in_training"], nlohmann::json({true, false}));
  EXPECT_TRUE(std::isinf(distances["network_hops"][0].get<double>()));
  EXPECT_TRUE(std::isnan(distances["network_hops"][1].get<double>()));
  EXPECT_EQ(distances["molecule_similarity"][1], 0.25);
  EXPECT_EQ(distances["dose_range"][1], "above");
  // [genes, perturbations]
  EXPECT_THAT(std::get<DenseMatrix>(data->varm.at("standard_deviation")).values,
              ElementsAre(0.5f, 1.5f, 0.25f, 1.25f));
  EXPECT_EQ(data->varm.count("change_standard_error"), 0u) << "a server from before the field";
}

// A header of one perturbation and two cells of two types.
v1::PredictResponse HeaderOfTwoTypes() {
  v1::PredictResponse part;
  v1::PredictHeader* header = part.mutable_header();
  for (const char* gene : {"A", "B"}) header->add_genes(gene);
  v1::ResolvedControls* controls = header->mutable_controls();
  for (const int k : {0, 1}) {
    controls->add_cell_ids(absl::StrCat("cell", k));
    controls->add_cell_types(absl::StrCat("T", k));
    controls->add_cell_type_indices(k);
  }
  header->add_perturbations()->set_label("G1");
  return part;
}

TEST(PredictedErrors, AreColumnsOfUnsAndOfObsWhereTheModelGivesThem) {
  PredictionCollector collector;
  ASSERT_OK(collector.Add(HeaderOfTwoTypes()));
  ASSERT_OK(collector.Add(Rows({{0, 0}, {0, 1}}, {1, 2, 3, 4})));
  PredictionCollector before = collector;
  v1::PredictResponse part;
  for (const auto& [type, expected] : {std::pair{"T0", 0.5}, {"T1", 0.125}}) {
    v1::PredictedError* error = part.mutable_summary()->add_predicted_errors();
    error->set_cell_type(type);
    error->set_kind("seen gene, seen context");
    error->set_expected_e_distance(expected);
    error->set_level(0.9);
    error->set_lower(expected / 2);
    error->set_upper(expected * 2);
    error->set_calibrated(true);
    error->set_left_out(12);
  }
  for (const float width : {0.25f, 0.75f}) part.mutable_summary()->add_change_half_width(width);
  ASSERT_OK(collector.Add(part));
  const auto data = collector.Finish();
  ASSERT_OK(data);
  const auto& columns = data->uns["unlasting"]["perturbations"];
  EXPECT_EQ(columns["predicted_e_distance"], nlohmann::json({0.5}));
  EXPECT_EQ(columns["predicted_e_distance_upper"], nlohmann::json({1.0}));
  EXPECT_EQ(columns["predicted_error_calibrated"], nlohmann::json({true}));
  EXPECT_THAT(std::get<DenseMatrix>(data->varm.at("change_half_width")).values,
              ElementsAre(0.25f, 0.75f));
  EXPECT_EQ(std::get<std::vector<double>>(*data->obs.Find("predicted_e_distance")),
            (std::vector<double>{0.5, 0.125}));
  EXPECT_EQ(PredictedErrorText(part.summary().predicted_errors(0)),
            "0.5 (90 % interval 0.25 to 1; seen gene, seen context; 12 left out)");
  EXPECT_EQ(WorstError(part.summary())->cell_type(), "T0");

  const auto without = before.Finish();
  ASSERT_OK(without);
  EXPECT_EQ(without->uns["unlasting"]["perturbations"].count("predicted_e_distance"), 0u);
  EXPECT_EQ(without->obs.Find("predicted_e_distance"), nullptr);
}

TEST(PredictedErrors, WithoutAnIntervalSaySo) {
  v1::PredictedError error;
  error.set_kind("new drug, seen context");
  EXPECT_EQ(PredictedErrorText(error), "not known (new drug, seen context)");
  error.set_expected_e_distance(0.25);
  error.set_left_out(4);
  EXPECT_EQ(PredictedErrorText(error), "0.25 (not calibrated; new drug, seen context; 4 left out)");
  v1::PerturbationSummary summary;
  EXPECT_EQ(WorstError(summary), nullptr);
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
