// What answers say of a query besides its profiles: features, distances, spreads, noise.
#include <cmath>

#include "core/molecule/featurizer.h"
#include "core/predict/query/bundle_featurizer.h"
#include "core/predict/query/query.h"
#include "tests/server/rpc/agreement.h"
#include "tests/server/served.h"
#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::server {
namespace {

using test::Alone;
using test::Answer;
using test::ExpectAgreement;
using test::Served;
using test::SomeRequest;
using test::TwoKnockouts;
using test::WithEthanol;

grpc::Status Featurize(Served* served, const std::string& smiles, const std::string& model,
                       v1::FeaturizeMoleculeResponse* response) {
  grpc::ClientContext context;
  v1::FeaturizeMoleculeRequest request;
  request.set_smiles(smiles);
  request.set_model(model);
  return served->predictions().FeaturizeMolecule(&context, request, response);
}

TEST(ServerQueryTest, FeaturesOfAMoleculeAreThoseThatTheModelReads) {
  Served served;
  v1::FeaturizeMoleculeResponse response;
  ASSERT_TRUE(Featurize(&served, "OCC.Cl", "", &response).ok());
  const auto featurizer = predict::FeaturizerOf(*test::TinyBundle());
  ASSERT_OK(featurizer);
  const auto expected = featurizer->Featurize("OCC.Cl");
  ASSERT_OK(expected);
  EXPECT_EQ(response.canonical_smiles(), expected->canonical_smiles);
  EXPECT_EQ(std::vector<float>(response.features().begin(), response.features().end()),
            expected->features);
  EXPECT_EQ(response.featurizer(), molecule::kDescribedName);
  // Sent back as an embedding, they are the molecule.
  v1::PredictRequest by_smiles = SomeRequest();
  v1::MoleculePerturbation* molecule = by_smiles.mutable_perturbations(0)->mutable_molecule();
  molecule->set_smiles("CCO");
  molecule->mutable_dose()->set_value(0.5);
  molecule->mutable_dose()->set_unit(v1::DOSE_UNIT_MICROMOLAR);
  v1::PredictRequest by_features = by_smiles;
  *by_features.mutable_perturbations(0)->mutable_molecule()->mutable_embedding()->mutable_values() =
      response.features();
  ExpectAgreement(served.Predict(by_features), Alone(by_smiles));
  EXPECT_EQ(Featurize(&served, "OCC.Cl", "nobody", &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST(ServerQueryTest, EmbeddingsFromATableAreAskedForByNameAndByVector) {
  const test::TempFolder folder;
  test::TinyBundleOptions options;
  options.molecules = true;
  options.features = test::TinyBundleOptions::Features::kEmbeddings;
  ASSERT_OK(test::WriteTinyBundle(folder.At("vectors"), options));
  ServerConfig config = test::TestConfig();
  config.mutable_bundles(0)->set_directory(folder.At("vectors"));
  Served served(config);
  v1::PredictRequest request = SomeRequest();
  v1::MoleculePerturbation* molecule = request.mutable_perturbations(0)->mutable_molecule();
  molecule->set_name("unseen");
  molecule->mutable_dose()->set_value(5);
  molecule->mutable_dose()->set_unit(v1::DOSE_UNIT_MICROMOLAR);
  const Answer named = served.Predict(request);
  ASSERT_TRUE(named.status.ok()) << named.status.error_message();
  const v1::MoleculeTrainingDistance& distance = named.header.perturbations(0).molecule();
  EXPECT_TRUE(distance.has_embedding_cosine());
  EXPECT_FALSE(distance.has_tanimoto_similarity());
  EXPECT_EQ(distance.nearest_molecule(), "aspirin");
  EXPECT_EQ(distance.dose_range(), v1::DOSE_RANGE_ABOVE);
  molecule->clear_name();
  for (const float value : {0.1f, -0.7f, 1.0f, 0.0f, 0.3f, 1.0f}) {
    molecule->mutable_embedding()->add_values(value);
  }
  const Answer by_vector = served.Predict(request);
  ASSERT_TRUE(by_vector.status.ok()) << by_vector.status.error_message();
  EXPECT_EQ(by_vector.profiles.at(0).values, named.profiles.at(0).values);
  molecule->mutable_embedding()->add_values(1);
  EXPECT_EQ(served.Predict(request).reason(), "EMBEDDING_LENGTH");
  molecule->set_smiles("CCO");
  EXPECT_EQ(served.Predict(request).reason(), "UNSUPPORTED_PERTURBATION");

  v1::FeaturizeMoleculeResponse response;
  EXPECT_EQ(Featurize(&served, "CCO", "tiny", &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  ASSERT_TRUE(Featurize(&served, "CCO", "", &response).ok());
  EXPECT_EQ(response.featurizer(), molecule::kFingerprintName);
}

TEST(ServerQueryTest, AnswersSayHowFarAQueryLiesFromTheTraining) {
  Served served;
  const Answer answer = served.Predict(WithEthanol(TwoKnockouts(25, 1)));
  ASSERT_TRUE(answer.status.ok());
  const v1::ResolvedPerturbation& single = answer.header.perturbations(0);
  ASSERT_EQ(single.genes_size(), 1);
  EXPECT_EQ(single.genes(0).training(), v1::GENE_TRAINING_SINGLY);
  EXPECT_EQ(single.genes(0).hops(), 0);
  EXPECT_FALSE(single.has_molecule());
  const v1::GeneTrainingDistance& unmeasured = answer.header.perturbations(1).genes(1);
  EXPECT_EQ(unmeasured.gene(), "U1");
  EXPECT_EQ(unmeasured.training(), v1::GENE_TRAINING_NEVER);
  EXPECT_GT(unmeasured.hops(), 0);
  EXPECT_FALSE(unmeasured.nearest_gene().empty());
  const v1::ResolvedPerturbation& ethanol = answer.header.perturbations(2);
  EXPECT_EQ(ethanol.molecule().nearest_molecule(), "aspirin");
  EXPECT_GT(ethanol.molecule().tanimoto_similarity(), 0);
  EXPECT_LT(ethanol.molecule().tanimoto_similarity(), 0.5);
  EXPECT_EQ(ethanol.molecule().lowest_dose_micromolar(), 0.1);
  EXPECT_EQ(ethanol.molecule().dose_range(), v1::DOSE_RANGE_WITHIN);
  EXPECT_EQ(ethanol.genes_size(), 0);
}

TEST(ServerQueryTest, SummariesSayHowMuchCellsAndMaskSeedsSpread) {
  Served served;
  v1::PredictRequest request = SomeRequest(25);
  const Answer ranked = served.Predict(request);
  ASSERT_TRUE(ranked.status.ok());
  const v1::PerturbationSummary& summary = ranked.summaries.at(0);
  ASSERT_EQ(summary.standard_deviation_size(), 24);
  ASSERT_EQ(summary.change_standard_error_size(), 24);
  EXPECT_EQ(summary.mask_standard_deviation_size(), 0);
  for (int g = 0; g < 24; ++g) {
    double squares = 0;
    for (int64_t r = 0; r < 25; ++r) {
      squares += std::pow(ranked.profiles.at(0).At(r, g) - summary.mean(g), 2);
    }
    EXPECT_NEAR(summary.standard_deviation(g), std::sqrt(squares / 24), 1e-4);
  }
  request.mutable_options()->set_mask(v1::MASK_MODE_SAMPLE);
  EXPECT_EQ(served.Predict(request).summaries.at(0).mask_standard_deviation_size(), 24);
}

TEST(ServerQueryTest, NoiseOfTheStepsFollowsTheSeedAndNotTheCompany) {
  Served served;
  v1::PredictRequest request = TwoKnockouts(25, 1);
  request.mutable_options()->set_solver(v1::SOLVER_DDIM);
  request.mutable_options()->set_solver_steps(8);
  request.mutable_options()->set_eta(0.6);
  request.mutable_options()->set_seed(3);
  const Answer answer = served.Predict(request);
  EXPECT_EQ(answer.header.eta(), 0.6);
  ExpectAgreement(answer, Alone(request));
  v1::PredictRequest second = request;
  second.mutable_perturbations()->DeleteSubrange(0, 1);
  const Answer alone = served.Predict(second);
  ASSERT_TRUE(alone.status.ok());
  EXPECT_EQ(alone.profiles.at(0).values, answer.profiles.at(1).values);
  second.mutable_options()->set_seed(4);
  EXPECT_NE(served.Predict(second).profiles.at(0).values, alone.profiles.at(0).values);
}

}  // namespace
}  // namespace unlasting::server
