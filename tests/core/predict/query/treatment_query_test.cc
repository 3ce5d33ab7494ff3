#include <gmock/gmock.h>

#include <cmath>

#include "core/base/status.h"
#include "core/predict/query/query.h"
#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::predict {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class TreatmentQueryTest : public ::testing::Test {
 protected:
  static std::shared_ptr<const bundle::Bundle> Make(const test::TinyBundleOptions& options) {
    const test::TempFolder folder;
    EXPECT_OK(test::WriteTinyBundle(folder.At("bundle"), options));
    return *bundle::Bundle::Load(folder.At("bundle"));
  }
  static std::shared_ptr<const bundle::Bundle> ByName() {
    test::TinyBundleOptions options;
    options.treatments = options.molecules = true;
    return Make(options);
  }
  static std::shared_ptr<const bundle::Bundle> ByVector() {
    test::TinyBundleOptions options;
    options.treatments = options.treatment_vectors = true;
    return Make(options);
  }
  static PerturbationQuery Treatment(const std::string& name, double hours) {
    PerturbationQuery query;
    query.treatment = name;
    query.covariates = {{"hours", hours}};
    return query;
  }
  static void ExpectReason(const bundle::Bundle& bundle, const PerturbationQuery& query,
                           const std::string& reason, const std::string& words) {
    const auto resolved = ResolvePerturbation(bundle, query);
    ASSERT_FALSE(resolved.ok()) << words;
    EXPECT_EQ(ReasonOf(resolved.status()), reason) << resolved.status();
    EXPECT_NE(resolved.status().message().find(words), std::string::npos) << resolved.status();
  }
};

TEST_F(TreatmentQueryTest, ATreatmentResolvesByNameAndEachTimeIsItsOwn) {
  const auto bundle = ByName();
  const auto early = ResolvePerturbation(*bundle, Treatment("IFNB1", 6));
  const auto late = ResolvePerturbation(*bundle, Treatment("IFNB1", 24));
  ASSERT_TRUE(early.ok() && late.ok()) << early.status();
  EXPECT_EQ((*early)->kind, Perturbation::Kind::kTreatment);
  EXPECT_EQ((*early)->label, "IFNB1");
  EXPECT_EQ((*early)->condition, "IFNB1");
  EXPECT_TRUE((*early)->seen_in_training);
  EXPECT_TRUE((*early)->knockout.empty());
  EXPECT_TRUE((*early)->notes.empty());
  EXPECT_EQ(static_cast<int64_t>((*early)->molecule.size()), bundle->config().molecule_features);
  EXPECT_NE((*early)->molecule_key, (*late)->molecule_key);
}

TEST_F(TreatmentQueryTest, DrugsOfTheSameModelHaveTheCovariatesToo) {
  const auto bundle = ByName();
  PerturbationQuery query;
  query.molecule_name = "aspirin";
  query.dose_um = 1;
  ExpectReason(*bundle, query, "INVALID_COVARIATE", "covariate 'hours': found none");
  query.covariates = {{"hours", 48}};
  const auto resolved = ResolvePerturbation(*bundle, query);
  ASSERT_OK(resolved);
  EXPECT_THAT((*resolved)->notes,
              UnorderedElementsAre(HasSubstr("the model was trained on"),
                                   HasSubstr("hours 48 lies above those of training, 6 to 24")));
}

TEST_F(TreatmentQueryTest, AVectorIsATreatmentOfItsOwn) {
  const auto bundle = ByVector();
  PerturbationQuery query = Treatment("IL6", 6);
  query.treatment_vector = {2, 1, 0};
  const auto resolved = ResolvePerturbation(*bundle, query);
  ASSERT_OK(resolved);
  EXPECT_EQ((*resolved)->label, "IL6");
  EXPECT_FALSE((*resolved)->seen_in_training);
  EXPECT_NE((*resolved)->notes[1].find("nearest training treatment: IFNB1, cosine 1"),
            std::string::npos);
  // Held out in training, and so known by name though never seen.
  const auto held_out = ResolvePerturbation(*bundle, Treatment("TNF", 6));
  ASSERT_OK(held_out);
  EXPECT_FALSE((*held_out)->seen_in_training);
}

TEST_F(TreatmentQueryTest, WhatAModelCannotKnowIsRefused) {
  const auto by_name = ByName();
  const auto by_vector = ByVector();
  ExpectReason(*by_name, Treatment("IFNG", 6), "UNKNOWN_TREATMENT",
               "was not trained on 'IFNG'; it knows IFNB1, LPS");
  ExpectReason(*by_name, Treatment("ifn-b1", 6), "UNKNOWN_TREATMENT", "did you mean 'IFNB1'?");
  ExpectReason(*by_name, Treatment("IFNB", 6), "UNKNOWN_TREATMENT", "did you mean 'IFNB1'?");
  ExpectReason(*by_vector, Treatment("IFNG", 6), "UNKNOWN_TREATMENT", "give a vector");
  ExpectReason(*by_name, Treatment("IFNB1", 0), "INVALID_COVARIATE", "expected a number above 0");
  PerturbationQuery vector = Treatment("", 6);
  vector.treatment_vector = {1, 0, 0};
  ExpectReason(*by_name, vector, "UNSUPPORTED_PERTURBATION", "by name alone");
  vector.treatment_vector = {1, 0};
  ExpectReason(*by_vector, vector, "EMBEDDING_LENGTH", "found 2 values, expected 3");
  vector.treatment_vector = {0, 0, 0};
  ExpectReason(*by_vector, vector, "INVALID_VALUE", "only zeros");
  vector.treatment_vector = {0, std::nanf(""), 0};
  ExpectReason(*by_vector, vector, "INVALID_VALUE", "not finite");
  PerturbationQuery both = Treatment("LPS", 6);
  both.genes = {"G1"};
  ExpectReason(*by_name, both, "INVALID_OPTION", "or a treatment");
  PerturbationQuery gene;
  gene.genes = {"G1"};
  gene.covariates = {{"hours", 6}};
  ExpectReason(*by_name, gene, "INVALID_COVARIATE", "expected a molecule or a treatment");
  const auto without = Make({});
  ExpectReason(*without, Treatment("LPS", 6), "UNSUPPORTED_PERTURBATION", "trained on genes only");
}

TEST_F(TreatmentQueryTest, ConditionsAreNamedAsTrainingNamedThem) {
  const auto bundle = Make({});
  const auto condition = [&](const std::vector<std::string>& genes) {
    PerturbationQuery query;
    query.genes = genes;
    return (*ResolvePerturbation(*bundle, query))->condition;
  };
  EXPECT_EQ(condition({"G3"}), "G3+ctrl");
  EXPECT_EQ(condition({"S3"}), "G3+ctrl") << "asked for by its symbol";
  EXPECT_EQ(condition({"G9"}), "G9+ctrl") << "never perturbed";
  EXPECT_EQ(condition({"G9", "G1"}), "G9+G1");
}

}  // namespace
}  // namespace unlasting::predict
