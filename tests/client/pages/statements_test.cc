#include "client/pages/statements.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::client {
namespace {

using report::Light;
using report::Remark;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::ResolvedPerturbation Seen(bool together) {
  v1::ResolvedPerturbation perturbation;
  perturbation.set_label("STAT1");
  perturbation.set_seen_in_training(true);
  v1::TrainingContext* const context = perturbation.add_contexts();
  context->set_cell_type("T0");
  context->set_condition_seen(true);
  context->set_context_seen(true);
  context->set_seen_together(together);
  return perturbation;
}

v1::ResolvedPerturbation NewGene(int hops) {
  v1::ResolvedPerturbation perturbation;
  perturbation.set_label("IRF9");
  v1::GeneTrainingDistance* const gene = perturbation.add_genes();
  gene->set_gene("IRF9");
  gene->set_training(v1::GENE_TRAINING_NEVER);
  if (hops >= 0) {
    gene->set_hops(hops);
    gene->set_nearest_gene("STAT1");
  }
  return perturbation;
}

v1::ResolvedPerturbation NewMolecule(double tanimoto) {
  v1::ResolvedPerturbation perturbation;
  perturbation.set_dose_micromolar(1);
  v1::MoleculeTrainingDistance* const molecule = perturbation.mutable_molecule();
  molecule->set_tanimoto_similarity(tanimoto);
  molecule->set_nearest_molecule("Panobinostat");
  molecule->set_lowest_dose_micromolar(0.5);
  molecule->set_highest_dose_micromolar(2);
  molecule->set_dose_range(v1::DOSE_RANGE_WITHIN);
  return perturbation;
}

TEST(DistanceStatementTest, IsGoodWhereTrainingSawTheVeryQuestion) {
  const Remark remark = DistanceStatement(Seen(true));
  EXPECT_EQ(remark.light, Light::kGood);
  EXPECT_EQ(remark.text, "Training saw this perturbation in T0.");
}

TEST(DistanceStatementTest, OtherCellsWantCareAndCellsNeverPerturbedAreFar) {
  EXPECT_EQ(DistanceStatement(Seen(false)).light, Light::kCare);
  v1::ResolvedPerturbation perturbation = Seen(false);
  perturbation.mutable_contexts(0)->set_context_seen(false);
  const Remark remark = DistanceStatement(perturbation);
  EXPECT_EQ(remark.light, Light::kBad);
  EXPECT_THAT(remark.text, HasSubstr("never saw T0 perturbed"));
}

TEST(DistanceStatementTest, AnOldModelDoesNotSayInWhichCells) {
  v1::ResolvedPerturbation perturbation = Seen(true);
  perturbation.mutable_contexts(0)->clear_seen_together();
  EXPECT_THAT(DistanceStatement(perturbation).text, HasSubstr("is not recorded"));
}

TEST(DistanceStatementTest, ANewGeneIsAsFarAsItsNeighbours) {
  EXPECT_EQ(DistanceStatement(NewGene(1)).light, Light::kCare);
  EXPECT_THAT(DistanceStatement(NewGene(1)).text, HasSubstr("STAT1, is 1 edge away"));
  EXPECT_EQ(DistanceStatement(NewGene(3)).light, Light::kBad);
  EXPECT_EQ(DistanceStatement(NewGene(-1)).light, Light::kBad);
  EXPECT_THAT(DistanceStatement(NewGene(-1)).text, HasSubstr("no path of the gene network"));
}

TEST(DistanceStatementTest, ANewPairOfKnownGenesIsANewCombination) {
  v1::ResolvedPerturbation perturbation;
  for (const char* name : {"A", "B"}) {
    perturbation.add_genes()->set_gene(name);
    perturbation.mutable_genes()->rbegin()->set_training(v1::GENE_TRAINING_SINGLY);
  }
  const Remark remark = DistanceStatement(perturbation);
  EXPECT_EQ(remark.light, Light::kCare);
  EXPECT_EQ(remark.title, "New combination");
}

TEST(DistanceStatementTest, AMoleculeIsAsFarAsItIsUnlike) {
  EXPECT_EQ(DistanceStatement(NewMolecule(0.6)).light, Light::kCare);
  EXPECT_EQ(DistanceStatement(NewMolecule(0.1)).light, Light::kBad);
  EXPECT_THAT(DistanceStatement(NewMolecule(0.1)).text, HasSubstr("Tanimoto similarity of 0.10"));
  v1::ResolvedPerturbation alone = NewMolecule(0.6);
  alone.mutable_molecule()->clear_tanimoto_similarity();
  EXPECT_EQ(DistanceStatement(alone).light, Light::kBad);
}

TEST(DistanceStatementTest, ADoseFarOutsideIsFar) {
  v1::ResolvedPerturbation perturbation = NewMolecule(0.6);
  perturbation.set_seen_in_training(true);
  perturbation.mutable_molecule()->set_dose_range(v1::DOSE_RANGE_ABOVE);
  perturbation.set_dose_micromolar(4);
  EXPECT_EQ(DistanceStatement(perturbation).light, Light::kCare);
  perturbation.set_dose_micromolar(400);
  const Remark remark = DistanceStatement(perturbation);
  EXPECT_EQ(remark.light, Light::kBad);
  EXPECT_THAT(remark.text, HasSubstr("400 µM, lies above those of training, 0.5 to 2 µM"));
  perturbation.mutable_molecule()->set_lowest_dose_micromolar(2);
  EXPECT_THAT(DistanceStatement(perturbation).text, HasSubstr("lies above that of training, 2 µM"));
}

TEST(DistanceStatementTest, ATreatmentThatTrainingNeverSawIsFar) {
  EXPECT_EQ(DistanceStatement({}).light, Light::kBad);
}

v1::PerturbationSummary WithError(double expected, bool calibrated) {
  v1::PerturbationSummary summary;
  v1::PredictedError* const error = summary.add_predicted_errors();
  error->set_cell_type("T0");
  error->set_kind("new gene, seen context");
  error->set_expected_e_distance(expected);
  error->set_calibrated(calibrated);
  error->set_level(0.9);
  error->set_left_out(calibrated ? 12 : 3);
  if (calibrated) {
    error->set_lower(-0.01);
    error->set_upper(0.7);
  }
  return summary;
}

TEST(ErrorStatementTest, NamesTheIntervalOnlyWhereItIsCalibrated) {
  const auto sure = WithError(0.2, true), unsure = WithError(0.2, false);
  EXPECT_EQ(ErrorStatement(&sure, std::nullopt).light, Light::kGood);
  EXPECT_THAT(ErrorStatement(&sure, std::nullopt).text,
              HasSubstr("expected to be 0.2, and with a probability of 90 % from −0.01 to 0.7."));
  EXPECT_EQ(ErrorStatement(&unsure, std::nullopt).light, Light::kCare);
  EXPECT_THAT(ErrorStatement(&unsure, std::nullopt).text, HasSubstr("too few for an interval"));
  EXPECT_EQ(ErrorRange(sure.predicted_errors(0)), "−0.01 to 0.7");
  EXPECT_EQ(ErrorRange(unsure.predicted_errors(0)), "");
}

TEST(ErrorStatementTest, AnErrorAsLargeAsTheEffectLeavesNothingOfIt) {
  const auto summary = WithError(0.2, true);
  EXPECT_EQ(ErrorStatement(&summary, 1.0).light, Light::kGood);
  EXPECT_EQ(ErrorStatement(&summary, 0.3).light, Light::kCare);
  for (const double effect : {0.2, 0.0, -0.1}) {
    EXPECT_EQ(ErrorStatement(&summary, effect).light, Light::kBad) << effect;
  }
  const auto unknown = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(ErrorStatement(&summary, unknown).light, Light::kGood);
}

TEST(ErrorStatementTest, WhatIsNotKnownIsSaid) {
  EXPECT_EQ(ErrorStatement(nullptr, 1.0).title, "Error not known");
  v1::PerturbationSummary summary = WithError(0.2, false);
  summary.mutable_predicted_errors(0)->clear_expected_e_distance();
  EXPECT_THAT(ErrorStatement(&summary, 1.0).text, HasSubstr("leave nothing of this kind out"));
}

v1::PredictHeader Header(const std::vector<std::string>& notes) {
  v1::PredictHeader header;
  for (const std::string& note : notes) header.add_notes(note);
  for (int c = 0; c < 20; ++c) header.mutable_controls()->add_cell_type_indices(0);
  return header;
}

TEST(StatementsOnResultTest, AnotherScaleIsBadAndAConversionIsNot) {
  const ResultStatements said = StatementsOnResult(
      Header({"control cells sum to 5 (...), the model's own to 378: send counts",
              "control cells: log1p of counts normalised to 10000 a cell were rescaled to 378"}),
      10);
  ASSERT_EQ(said.remarks.size(), 1u);
  EXPECT_EQ(said.remarks[0].light, Light::kBad);
  EXPECT_EQ(said.remarks[0].title, "Wrong scale");
  EXPECT_THAT(said.adjusted,
              ElementsAre("Control cells: log1p of counts normalised to 10000 a cell were rescaled "
                          "to 378."));
}

TEST(StatementsOnResultTest, ManyGenesFilledInAreWorseThanFew) {
  v1::PredictHeader header = Header({"the control cells lack 3 genes of the model, which ..."});
  for (const char* gene : {"A", "B", "C"}) header.mutable_controls()->add_missing_genes(gene);
  header.mutable_controls()->set_ignored_genes(1);
  EXPECT_EQ(StatementsOnResult(header, 300).remarks[0].light, Light::kCare);
  const ResultStatements said = StatementsOnResult(header, 4);
  EXPECT_EQ(said.remarks[0].light, Light::kBad);
  ASSERT_EQ(said.adjusted.size(), 2u);
  EXPECT_THAT(said.adjusted[0], HasSubstr("3 of the model's 4 genes"));
  EXPECT_THAT(said.adjusted[1], HasSubstr("1 gene of the control cells"));
}

TEST(StatementsOnResultTest, ANewCellTypeIsSaidOnceWhetherOrNotTheServerNotesIt) {
  v1::PredictHeader header = Header({});
  header.mutable_controls()->set_new_context("mine");
  EXPECT_EQ(StatementsOnResult(header, 4).remarks.size(), 1u);
  header.add_notes("'mine' is a cell type that training never saw: how its cells respond ...");
  ASSERT_EQ(StatementsOnResult(header, 4).remarks.size(), 1u);
  EXPECT_EQ(StatementsOnResult(header, 4).remarks[0].light, Light::kBad);
}

TEST(StatementsOnResultTest, AHandfulOfCellsSaysLittle) {
  const ResultStatements said = StatementsOnResult({}, 4);
  ASSERT_EQ(said.remarks.size(), 1u);
  EXPECT_EQ(said.remarks[0].title, "Few cells");
}

TEST(StatementsOnResultTest, ASentenceThatNobodyKnowsIsToBeReadWithCare) {
  const ResultStatements said = StatementsOnResult(Header({"something new"}), 4);
  ASSERT_EQ(said.remarks.size(), 1u);
  EXPECT_EQ(said.remarks[0].light, Light::kCare);
  EXPECT_EQ(said.remarks[0].text, "Something new.");
  EXPECT_THAT(StatementsOnResult(Header({}), 0).remarks, IsEmpty());
}

}  // namespace
}  // namespace unlasting::client
