#include "client/files/predict_request.h"

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/files.h"

namespace unlasting::client {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string ErrorOf(const PredictFlags& flags) {
  const auto request = MakePredictRequest(flags);
  EXPECT_EQ(request.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(request.status().message());
}

TEST(PredictRequest, GenesFollowTheGrammarOfTheField) {
  PredictFlags flags;
  flags.genes = {"STAT1", "STAT1+JAK2", "ctrl+IRF1"};
  const auto request = MakePredictRequest(flags);
  ASSERT_OK(request);
  ASSERT_EQ(request->perturbations_size(), 3);
  EXPECT_EQ(request->perturbations(0).genes().genes_size(), 1);
  EXPECT_EQ(request->perturbations(1).genes().genes(1), "JAK2");
  EXPECT_EQ(request->perturbations(2).genes().genes_size(), 1);
  EXPECT_EQ(request->perturbations(2).genes().genes(0), "IRF1");
}

TEST(PredictRequest, EveryMoleculeAtEveryDose) {
  PredictFlags flags;
  flags.smiles = {"CCO"};
  flags.molecules = {"aspirin"};
  flags.doses = {"200nM", "1 uM"};
  const auto request = MakePredictRequest(flags);
  ASSERT_OK(request);
  ASSERT_EQ(request->perturbations_size(), 4);
  EXPECT_EQ(request->perturbations(0).molecule().smiles(), "CCO");
  EXPECT_DOUBLE_EQ(request->perturbations(0).molecule().dose().value(), 0.2);
  EXPECT_EQ(request->perturbations(3).molecule().name(), "aspirin");
  EXPECT_EQ(request->perturbations(3).molecule().dose().unit(), v1::DOSE_UNIT_MICROMOLAR);
}

TEST(PredictRequest, OptionsAreWords) {
  PredictFlags flags;
  flags.genes = {"A"};
  flags.solver = "ddim";
  flags.mask = "cell";
  flags.mask_threshold = 0;
  flags.bulk = true;
  const auto request = MakePredictRequest(flags);
  ASSERT_OK(request);
  EXPECT_EQ(request->options().solver(), v1::SOLVER_DDIM);
  EXPECT_EQ(request->options().mask(), v1::MASK_MODE_CELL);
  EXPECT_TRUE(request->options().has_mask_threshold());
  EXPECT_EQ(request->priority(), v1::PRIORITY_BULK);
  flags.mask_threshold = -1;
  EXPECT_FALSE(MakePredictRequest(flags)->options().has_mask_threshold());
}

TEST(PredictRequest, ATreatmentTakesItsVectorAlongWhereTheTableHasOne) {
  const test::TempFolder folder;
  std::ofstream(folder.At("vectors.tsv")) << "name\ta\tb\nIL6\t0.5\t-1\nLPS\t2\t3\n";
  const auto vectors = ReadTreatmentVectors(folder.At("vectors.tsv"));
  ASSERT_OK(vectors);
  PredictFlags flags;
  flags.treatments = {"IL6", "IFNB1"};
  flags.treatment_vectors = *vectors;
  const auto request = MakePredictRequest(flags);
  ASSERT_OK(request);
  ASSERT_EQ(request->perturbations_size(), 2);
  EXPECT_EQ(request->perturbations(0).treatment().name(), "IL6");
  EXPECT_THAT(request->perturbations(0).treatment().vector(), ElementsAre(0.5f, -1.0f));
  EXPECT_EQ(request->perturbations(1).treatment().vector_size(), 0);

  std::ofstream(folder.At("twice.tsv")) << "IL6\t1\nIL6\t2\n";
  EXPECT_THAT(std::string(ReadTreatmentVectors(folder.At("twice.tsv")).status().message()),
              AllOf(HasSubstr("--treatment-vectors"), HasSubstr("found 'IL6' twice")));
  EXPECT_THAT(std::string(ReadTreatmentVectors(folder.At("none.tsv")).status().message()),
              HasSubstr("--treatment-vectors"));
}

TEST(PredictRequest, ErrorsNameTheFlag) {
  PredictFlags flags;
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--gene"));
  flags.genes = {"A++B"};
  EXPECT_THAT(ErrorOf(flags), HasSubstr("A++B"));
  flags.genes = {"ctrl"};
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--gene"));
  flags.genes = {"A"};
  flags.doses = {"1uM"};
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--dose"));
  flags.smiles = {"C"};
  flags.doses = {};
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--dose"));
  flags.doses = {"5"};
  EXPECT_THAT(ErrorOf(flags), HasSubstr("--dose"));
  flags.doses = {"5uM"};
  flags.solver = "euler";
  EXPECT_THAT(ErrorOf(flags), HasSubstr("euler"));
}

}  // namespace
}  // namespace unlasting::client
